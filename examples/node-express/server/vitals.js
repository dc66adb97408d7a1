import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION = 20;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
delay.enable();

/** What this process is doing now: seconds up, MiB of memory, milliseconds by which its loop ran late (the slowest 1 %). */
export function readVitals() {
  const slowest = delay.percentile(99) / 1e6;
  return {
    at: new Date().toISOString(),
    pid: process.pid,
    node: process.version,
    uptime: Math.round(process.uptime()),
    memory: process.memoryUsage().rss / 2 ** 20,
    late: Math.max(0, slowest - RESOLUTION),
  };
}
