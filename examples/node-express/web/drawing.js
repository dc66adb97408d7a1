/** The path of a line through these values, newest at the right, in a box of `width` × 40. */
export function linePath(values, width) {
  const top = Math.max(...values) * 1.15 || 1;
  const left = width - values.length;
  return values.map((value, index) => `${index ? "L" : "M"}${left + index} ${(40 - (value / top) * 38).toFixed(2)}`).join(" ");
}

/** Seconds in words: `1 h 02 min`, `3 min 20 s`, `12 s`. */
export function spell(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
