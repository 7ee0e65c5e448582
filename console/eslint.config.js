// SPDX-License-Identifier: Apache-2.0
// What tsc does not see. Text of events must never become markup, and nothing may be evaluated.
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "srcdoc", "write"];

export default [
	{ ignores: ["node_modules/", "vendor/"] },
	{
		files: ["**/*.js"],
		linterOptions: { reportUnusedDisableDirectives: "error" },
		rules: {
			"no-eval": "error",
			"no-implied-eval": "error",
			"no-new-func": "error",
			"no-console": "error",
			"no-debugger": "error",
			"no-var": "error",
			"no-shadow": "error",
			"no-unused-vars": ["error", { varsIgnorePattern: "^_" }],
			"no-unreachable": "error",
			"no-restricted-syntax": [
				"error",
				...MARKUP.flatMap((name) => [
					{
						selector: `MemberExpression[property.name="${name}"]`,
						message: "User text is only ever text nodes.",
					},
					{ selector: `Property[key.name="${name}"]`, message: "User text is only ever text nodes." },
				]),
				{
					selector: "TemplateElement[value.raw=/dangerouslySetInnerHTML|innerHTML/]",
					message: "User text is only ever text nodes.",
				},
			],
			"prefer-const": "error",
			eqeqeq: "error",
			"max-lines": ["error", { max: 300, skipComments: true }],
			"max-lines-per-function": ["error", { max: 140 }],
			complexity: ["error", 24],
		},
	},
];
