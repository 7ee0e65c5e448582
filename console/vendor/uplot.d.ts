import type uPlot from "uplot";
declare global {
	interface Window {
		uPlot: typeof uPlot;
	}
}
