import { linePath, spell } from "./drawing.js";

const POINTS = 120;
const series = { memory: [], late: [] };

const stream = new EventSource("/api/vitals/stream");
stream.onopen = () => write("state", "Live, one reading a second over server-sent events.");
stream.onerror = () => write("state", "The stream was cut; connecting again…");
stream.onmessage = (message) => show(JSON.parse(message.data));

function show(vitals) {
  write("memory", `${vitals.memory.toFixed(1)} MiB`);
  write("late", `${vitals.late.toFixed(1)} ms`);
  write("uptime", spell(vitals.uptime));
  write("pid", vitals.pid);
  write("node", vitals.node);
  for (const name of Object.keys(series)) {
    series[name] = [...series[name], vitals[name]].slice(-POINTS);
    document.querySelector(`#${name}-line path`).setAttribute("d", linePath(series[name], POINTS));
  }
}

function write(id, text) {
  document.getElementById(id).textContent = text;
}
