import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Puts the page and its style sheet beside the script, under names that hold their content. */
function page() {
  return {
    name: "page",
    generateBundle(_options, bundle) {
      const style = readFileSync("web/style.css", "utf8");
      const styleName = `assets/style-${createHash("sha256").update(style).digest("hex").slice(0, 8)}.css`;
      const script = Object.values(bundle).find((item) => item.isEntry).fileName;
      const html = readFileSync("web/index.html", "utf8").replace("STYLE", `/${styleName}`).replace("SCRIPT", `/${script}`);
      this.emitFile({ type: "asset", fileName: styleName, source: style });
      this.emitFile({ type: "asset", fileName: "index.html", source: html });
    },
  };
}

export default {
  input: "web/main.js",
  output: { dir: "dist", entryFileNames: "assets/[name]-[hash].js" },
  plugins: [page()],
};
