"""What each Node framework makes of a build: files for the edge to serve, or a server to run."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.providers.node.package import Package
from canonry.adapters.builder.native.plan.shell import ADDRESS
from canonry.adapters.builder.native.plan.tree import SourceTree, join, table, text_or_none

_SUFFIXES = ("js", "mjs", "cjs", "ts", "mts", "cts")
_NUXT_SCRIPTS = r"(?:nuxt|nuxi) (?:start|preview|dev)|node \.output/server/index\.mjs"
_COMMENTS = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class Framework:
    """What a framework's build gives. output: folder of a static site; start: command of a server; neither: the start script decides.

    script: script of package.json that builds; fallback: the command when there is no such script. build_prefix and
    build_suffix stand around it. server_scripts: what a `start` script looks like that `start` here stands for.
    """

    name: str
    output: str | None = None
    start: str | None = None
    single_page: bool = False
    script: str = "build"
    fallback: str | None = None
    build_prefix: str = ""
    build_suffix: str = ""
    caches: tuple[str, ...] = ()
    server_scripts: str = ""


def find_framework(package: Package, *, has_program: bool) -> Framework | None:
    """Return the framework a package is built with; meta-frameworks before what they are made of.

    has_program: a script or file starts a server; without one, a library for servers says nothing about the package.
    """
    for names, make in _TABLE:
        used = package.uses(*names)
        if used and (has_program or make is not _server):
            return make(package, used)
    return None


def config_text(tree: SourceTree, *names: str) -> str:
    """Return the text of the first configuration file of these names, in whichever of JavaScript's suffixes, without comments."""
    path = tree.first_file(*(f"{name}.{suffix}" for name in names for suffix in _SUFFIXES))
    return _COMMENTS.sub(" ", tree.glance(path)) if path else ""


def _next(package: Package, _used: str) -> Framework:
    config = config_text(package.tree, "next.config")
    if re.search(r"""\boutput\s*:\s*["']export["']""", config):
        folder = _quoted(r"\bdistDir", config)
        return Framework("next", output=folder or "out", fallback="next build", caches=(".next/cache",), server_scripts=r"next start\b")
    if re.search(r"""\boutput\s*:\s*["']standalone["']""", config):
        copies = "cp -r .next/static .next/standalone/.next/ && if [ -d public ]; then cp -r public .next/standalone/; fi"
        start = f"HOSTNAME={ADDRESS} exec node .next/standalone/server.js"
        return Framework(
            "next",
            start=start,
            fallback="next build",
            build_suffix=copies,
            caches=(".next/cache",),
            server_scripts=r"next start|node .*standalone/server\.js",
        )
    start = f'next start --hostname {ADDRESS} --port "$PORT"'
    return Framework("next", start=start, fallback="next build", caches=(".next/cache",), server_scripts=r"next start\b")


def _nuxt(package: Package, _used: str) -> Framework:
    build = package.scripts.get("build", "")
    config = config_text(package.tree, "nuxt.config")
    is_static = (
        "generate" in build
        or ("generate" in package.scripts and not build)
        or re.search(r"""preset\s*:\s*["'](?:static|github-pages)["']""", config)
    )
    if is_static:
        script = "build" if "build" in package.scripts else "generate"
        return Framework("nuxt", output=".output/public", script=script, fallback="nuxt generate", server_scripts=_NUXT_SCRIPTS)
    return _nitro("nuxt", "nuxt build", _NUXT_SCRIPTS)


def _nitro(name: str, fallback: str, scripts: str) -> Framework:
    start = f"HOST={ADDRESS} NITRO_HOST={ADDRESS} exec node .output/server/index.mjs"
    return Framework(name, start=start, fallback=fallback, server_scripts=scripts)


def _remix(package: Package, _used: str) -> Framework:
    config = config_text(package.tree, "vite.config", "react-router.config")
    if re.search(r"\bssr\s*:\s*false\b", config):
        return Framework(
            "remix", output="build/client", single_page=True, fallback="remix vite:build", server_scripts=r"remix-serve\b|vite preview"
        )
    server = "build/server/index.js" if package.uses("vite") else "build/index.js"
    start = f"HOST={ADDRESS} exec remix-serve ./{server}" if package.uses("@remix-run/serve") else None
    return Framework(
        "remix", start=start, fallback="remix vite:build" if package.uses("vite") else "remix build", server_scripts=r"remix-serve\b"
    )


def _react_router(package: Package, _used: str) -> Framework:
    if re.search(r"\bssr\s*:\s*false\b", config_text(package.tree, "react-router.config")):
        return Framework(
            "react-router",
            output="build/client",
            single_page=True,
            fallback="react-router build",
            server_scripts=r"react-router-serve\b|vite preview",
        )
    start = f"HOST={ADDRESS} exec react-router-serve ./build/server/index.js" if package.uses("@react-router/serve") else None
    return Framework("react-router", start=start, fallback="react-router build", server_scripts=r"react-router-serve\b")


def _sveltekit(package: Package, _used: str) -> Framework:
    config = config_text(package.tree, "svelte.config", "vite.config")
    if package.uses("@sveltejs/adapter-static") and ("adapter-static" in config or not package.uses("@sveltejs/adapter-node")):
        pages = _quoted(r"\bpages", config)
        single = _quoted(r"\bfallback", config) == "index.html"
        return Framework("sveltekit", output=pages or "build", single_page=single, fallback="vite build")
    # adapter-auto takes the Node adapter, and fetches it, where this variable names a platform of that kind.
    prefix = "" if package.uses("@sveltejs/adapter-node") else "GCP_BUILDPACKS=1 "
    folder = _quoted(r"\bout", config) or "build"
    return Framework(
        "sveltekit",
        start=f"HOST={ADDRESS} exec node {folder}",
        fallback="vite build",
        build_prefix=prefix,
        server_scripts=r"node \.?/?build\b|vite preview",
    )


def _astro(package: Package, _used: str) -> Framework:
    config = config_text(package.tree, "astro.config")
    folder = _quoted(r"\boutDir", config) or "dist"
    is_server = package.uses("@astrojs/node") and (
        "@astrojs/node" in config or re.search(r"""\boutput\s*:\s*["'](?:server|hybrid)["']""", config)
    )
    if not is_server:
        return Framework("astro", output=folder, fallback="astro build")
    if re.search(r"""\bmode\s*:\s*["']middleware["']""", config):
        return Framework("astro", fallback="astro build")
    start = f"HOST={ADDRESS} exec node {join(folder, 'server/entry.mjs')}"
    return Framework("astro", start=start, fallback="astro build", server_scripts=r"astro (?:dev|preview|start)|node .*server/entry\.mjs")


def _angular(package: Package, _used: str) -> Framework:
    projects = table(package.tree.json("angular.json").get("projects"))
    name = text_or_none(package.tree.json("angular.json").get("defaultProject")) or next(iter(projects), package.name or "app")
    build = table(table(table(projects.get(name)).get("architect")).get("build"))
    options = table(build.get("options"))
    wished = options.get("outputPath")
    base = text_or_none(wished) or text_or_none(table(wished).get("base")) or f"dist/{name}"
    if options.get("ssr") or options.get("server"):
        start = f"exec node {join(base, 'server/server.mjs')}"
        return Framework(
            "angular",
            start=start,
            fallback="ng build",
            caches=(".angular/cache",),
            server_scripts=r"ng (?:serve|s|start)\b|node .*server\.mjs",
        )
    browser = text_or_none(table(wished).get("browser")) if isinstance(wished, dict) else "browser"
    nested = (text_or_none(build.get("builder")) or "").endswith(":application")
    output = join(base, browser or ".") if nested else base
    return Framework("angular", output=output, single_page=True, fallback="ng build", caches=(".angular/cache",))


def _vite(package: Package, _used: str) -> Framework:
    config = config_text(package.tree, "vite.config")
    pages = re.search(r"""\bappType\s*:\s*["'](?:mpa|custom)["']""", config) is not None
    has_error_page = package.tree.first_file("public/404.html", "404.html") is not None
    folder = _quoted(r"\boutDir", config) or "dist"
    return Framework("vite", output=_below(package, folder), single_page=not pages and not has_error_page, fallback="vite build")


def _documentation(program: str, folder: str) -> Callable[[Package, str], Framework]:
    def make(package: Package, _used: str) -> Framework:
        named = re.search(rf"\b{program} build(?: +([\w./-]+))?", " ; ".join(package.scripts.values()))
        base = (named[1] if named else None) or "docs"
        base = "." if named and not named[1] else base
        return Framework(
            program,
            output=join(base, folder),
            script="docs:build" if "docs:build" in package.scripts else "build",
            fallback=f"{program} build {base}",
        )

    return make


def _eleventy(package: Package, _used: str) -> Framework:
    flag = re.search(r"--output[= ]([\w./-]+)", " ".join(package.scripts.values()))
    folder = flag[1] if flag else _quoted(r"\boutput", config_text(package.tree, ".eleventy", "eleventy.config"))
    return Framework("eleventy", output=_below(package, folder or "_site"), fallback="eleventy")


def _files(name: str, output: str, fallback: str, *caches: str, single_page: bool = False) -> Callable[[Package, str], Framework]:
    def make(package: Package, _used: str) -> Framework:
        return Framework(
            name, output=output, single_page=single_page and not package.tree.is_file("public/404.html"), fallback=fallback, caches=caches
        )

    return make


def _server(_package: Package, used: str) -> Framework:
    name = used.rpartition("/")[2] if used != "@nestjs/core" else "nest"
    return Framework(name if not used.startswith("@hapi") else "hapi")


def _quoted(key: str, config: str) -> str | None:
    """Return the plain string that a key of a JavaScript configuration holds."""
    found = re.search(rf"""{key}\s*:\s*["'`]([\w./@-]+)["'`]""", config)
    return join(found[1]) if found else None


def _below(package: Package, folder: str) -> str:
    if folder.startswith("/") or ".." in folder.split("/"):
        remedy = "Let the build write into the folder of the package, or say in canonry.toml where: [build] output."
        raise invalid_config(package.tree.shown("package.json"), f"builds into {folder}, outside its own folder", remedy)
    return folder


_TABLE: tuple[tuple[tuple[str, ...], Callable[[Package, str], Framework]], ...] = (
    (("next",), _next),
    (("nuxt", "nuxt3"), _nuxt),
    (("@react-router/dev",), _react_router),
    (("@remix-run/dev", "@remix-run/serve"), _remix),
    (("@sveltejs/kit",), _sveltekit),
    (("astro",), _astro),
    (
        ("@solidjs/start", "vinxi"),
        lambda _package, _used: _nitro("solid-start", "vinxi build", r"vinxi (?:start|preview)|solid-start start"),
    ),
    (
        ("@tanstack/react-start",),
        lambda _package, _used: _nitro("tanstack-start", "vite build", r"vite preview|node \.output/server/index\.mjs"),
    ),
    (("gatsby",), _files("gatsby", "public", "gatsby build", ".cache")),
    (("@docusaurus/core",), _files("docusaurus", "build", "docusaurus build")),
    (("vitepress",), _documentation("vitepress", ".vitepress/dist")),
    (("vuepress",), _documentation("vuepress", ".vuepress/dist")),
    (("@11ty/eleventy",), _eleventy),
    (("@nestjs/core",), _server),
    (("express", "fastify", "koa", "hono", "@hapi/hapi", "h3", "polka", "@feathersjs/feathers", "restify", "elysia"), _server),
    (("@angular/core",), _angular),
    (("react-scripts",), _files("create-react-app", "build", "react-scripts build", single_page=True)),
    (("@vue/cli-service",), _files("vue-cli", "dist", "vue-cli-service build", single_page=True)),
    (("preact-cli",), _files("preact", "build", "preact build", single_page=True)),
    (("ember-cli",), _files("ember", "dist", "ember build --environment=production", single_page=True)),
    (("@rsbuild/core",), _files("rsbuild", "dist", "rsbuild build", single_page=True)),
    (("vite",), _vite),
    (("parcel",), _files("parcel", "dist", "parcel build", ".parcel-cache", single_page=True)),
)
