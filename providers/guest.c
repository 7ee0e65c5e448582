/* SPDX-License-Identifier: Apache-2.0 */

/* Judges responses from hosts that imitate a vendor. */
#include "core/url.h"
#include "providers/provider.h"

bool provider_is_imitated(const struct provider *provider, const struct provider_config *config)
{
	struct url_parts parts;

	return !url_fault(config_value(config, "webhook_url"), &parts) &&
	       host_is_allowed(provider->name, parts.host);
}

bool provider_edits(const struct provider *provider, const struct provider_config *config)
{
	return provider->edit && !provider_is_imitated(provider, config);
}

/* Statuses that refuse the message itself, not its sender or the time. */
static bool is_refusal_of_form(int status)
{
	return status == 400 || status == 413 || status == 415 || status == 422;
}

static struct verdict judge_guest(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = judge_by_status(answer, now_us);

	if (answer->status == 429) {
		verdict.pause_ms = verdict.retry_after_ms;
		verdict.pause = PAUSE_CHANNEL;
		verdict.is_throttled = true;
	}
	if (is_refusal_of_form(answer->status)) {
		verdict.kind = VERDICT_REFORM;
		verdict.is_unknown = true;
		verdict.why = "the host refused the message's form";
	}
	return verdict;
}

struct verdict provider_judge(const struct provider *provider, const struct provider_config *config,
			      const struct answer *answer, int64_t now_us)
{
	return provider_is_imitated(provider, config) ? judge_guest(answer, now_us)
						      : provider->judge(answer, now_us);
}
