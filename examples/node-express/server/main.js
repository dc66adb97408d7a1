// Serves the page that `npm run build` made, and a stream of this instance's vital signs.
import { fileURLToPath } from "node:url";
import express from "express";
import { readVitals } from "./vitals.js";

const port = Number(process.env.PORT ?? 3000);
const files = fileURLToPath(new URL("../dist", import.meta.url));
const app = express();
app.disable("x-powered-by");

app.get("/healthz", (_request, response) => {
  response.json({ ok: true, pid: process.pid });
});

app.get("/api/vitals", (_request, response) => {
  response.json(readVitals());
});

app.get("/api/vitals/stream", (request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const send = () => response.write(`data: ${JSON.stringify(readVitals())}\n\n`);
  send();
  const timer = setInterval(send, 1000);
  request.on("close", () => clearInterval(timer));
});

// Names that hold their content never change; index.html is asked for again each time.
app.use("/assets", express.static(`${files}/assets`, { immutable: true, maxAge: "1y" }));
app.use(express.static(files));
app.use((_request, response) => {
  response.status(404).type("text/plain").send("There is nothing at this address.\n");
});

const server = app.listen(port, () => console.log(`listening on ${port}`));

// SIGTERM comes after the drain window: take no new connection, let what is open end.
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  setTimeout(() => server.closeAllConnections(), 5000).unref();
});
