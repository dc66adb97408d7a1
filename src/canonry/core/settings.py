"""The one place that reads the environment. Every setting has a name, a default, a type and a sentence of help."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from canonry.core.errors import Invalid
from canonry.core.hosts import public_url
from canonry.core.mail import parse_address
from canonry.core.secret import Secret
from canonry.core.smtp import parse_smtp_url

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


def _setting(default: Any, help_text: str) -> Any:  # noqa: ANN401 -- the field's own annotation is the type
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class Settings:
    """All settings of one Canonry. Read from `CANONRY_<FIELD>`; a flag of a command wins over the environment."""

    home: Path = _setting(Path("~/.canonry"), "Folder that holds everything Canonry keeps.")
    http_port: int = _setting(8080, "Port on which the edge serves HTTP.")
    http_address: str = _setting("127.0.0.1", "Address on which the edge listens; 0.0.0.0 opens it to the network.")
    https_port: int = _setting(0, "Port on which the edge serves HTTPS; 0: it does not.")
    tls: str = _setting(
        "off",
        "Where certificates come from: off, internal (a CA of this Canonry, for laptops and closed networks) or acme (Let's Encrypt).",
    )
    acme_ca: str = _setting(LETS_ENCRYPT, "Directory of the ACME certificate authority; the default is Let's Encrypt.")
    acme_ca_root: str = _setting("", "File with the root certificate of a private ACME certificate authority, which is trusted besides.")
    acme_email: str = _setting("", "Address that the certificate authority writes to about trouble with certificates.")
    tls_certificate: str = _setting("", "File with a certificate of your own and its chain, like one for *.<base domain>.")
    tls_key: str = _setting("", "File with the key of CANONRY_TLS_CERTIFICATE.")
    hsts: str = _setting(
        "domains", "Who tells browsers to insist on HTTPS for 30 days: domains (verified custom ones), all (projects too) or off."
    )
    base_domain: str = _setting("localhost", "Projects are served at <slug>.<base domain>; Canonry itself at the base domain.")
    database_url: Secret | None = _setting(None, "PostgreSQL to use instead of the one Canonry starts itself.")
    databases_url: Secret | None = _setting(
        None,
        "PostgreSQL server on which databases of projects are made, instead of one server for each on this machine: the address of a role "
        "that may create databases and roles. There are no restores to the second then.",
    )
    workers: int = _setting(4, "How many jobs run at the same time (1 to 64); mail and other jobs of a moment do not count.")
    build_timeout: int = _setting(900, "Seconds a build may take.")
    build_memory: int = _setting(2048, "MiB of memory a build may use.")
    build_disk: int = _setting(4096, "MiB of files a build may write.")
    disk_reserve: int = _setting(
        1024, "MiB that must be free on the disk of the home for builds; below it they stop, and what runs goes on."
    )
    disk_clean_below: int = _setting(4096, "MiB of free disk below which caches, unused toolchains and mirrors are removed.")
    disk_artifacts: int = _setting(8192, "MiB the artifacts of one project may keep beyond what is live or pinned; the oldest go.")
    disk_build_logs: int = _setting(256, "MiB the build logs of one project may keep; the oldest go.")
    disk_instance_logs: int = _setting(
        1024, "MiB the logs of one project's instances may keep; those of ended instances go, the oldest first."
    )
    disk_caches: int = _setting(8192, "MiB the build caches of one project may keep; those not used for longest go.")
    disk_repository: int = _setting(4096, "MiB a hosted repository may take; a push to a larger one is refused.")
    disk_mirrors: int = _setting(4096, "MiB the mirrors of one project's outside repositories may keep; they are fetched anew.")
    drain_seconds: int = _setting(30, "Seconds the old instances go on with open requests after the switch.")
    stop_grace: int = _setting(10, "Seconds between SIGTERM and SIGKILL when an instance is stopped.")
    health_timeout: int = _setting(60, "Seconds a new instance may take to become healthy.")
    instance_memory: int = _setting(512, "MiB of memory one instance may use.")
    upload_limit: int = _setting(512, "MiB an uploaded archive may have; unpacked it may have four times that.")
    preview_days: int = _setting(14, "Days a preview stays after its last deployment, unless it was made for another time.")
    preview_limit: int = _setting(20, "Previews one project may have at a time.")
    database_disk: int = _setting(10_240, "MiB a project's database may take at most.")
    database_sleep: int = _setting(3600, "Seconds without a connection after which a database sleeps until the next one; 0: never.")
    allow_file_urls: bool = _setting(False, "Accept file:// repositories (for tests and for one person's machine).")
    allow_private_targets: bool = _setting(False, "Let webhooks, log drains and git of users reach loopback and private addresses.")
    private_git_hosts: str = _setting(
        "", "Servers inside this network whose repositories users may deploy, like git.corp.example or localhost:3000, separated by commas."
    )
    open_registration: bool = _setting(False, "Let anybody register; without it people need an invitation.")
    public_addresses: str = _setting(
        "", "Addresses at which the internet reaches this machine, separated by commas; for A and AAAA records."
    )
    dns_resolver: str = _setting(
        "", "host:port of the DNS server to ask about domains; without it, those responsible for a name are asked."
    )
    aliases_need_proof: bool = _setting(False, "Serve an alias only once a TXT record proves whose it is.")
    oidc_issuer: str | None = _setting(None, "Issuer of the OpenID provider that people sign in with, like https://login.example.com.")
    oidc_client_id: str | None = _setting(None, "What the OpenID provider calls this Canonry.")
    oidc_client_secret: Secret | None = _setting(None, "Secret of that client; none for a public client.")
    oidc_audience: str | None = _setting(None, "Accept the provider's own access tokens (JWTs) made for this audience as bearer tokens.")
    oidc_device: bool = _setting(False, "Let command lines be signed in by the provider's own device flow, when it has one.")
    oidc_email_domains: str = _setting(
        "",
        "Domains whose people may come in through the OpenID provider, like example.com,example.org: whoever is new here needs an address "
        "there that the provider has verified. Empty: everybody whom the provider lets in, so with a public provider everybody there is.",
    )
    github_client_id: str | None = _setting(None, "What GitHub calls this Canonry (an OAuth or GitHub App), to link accounts.")
    github_client_secret: Secret | None = _setting(None, "Secret of that client.")
    github_url: str = _setting("https://github.com", "Where GitHub is; the address of a GitHub Enterprise Server.")
    github_api_url: str = _setting("https://api.github.com", "Where its API is; of a GitHub Enterprise Server https://<host>/api/v3.")
    oidc_scopes: str = _setting("openid email profile", "What is asked of the OpenID provider.")
    smtp_url: Secret | None = _setting(None, "Mail server, like smtp://user:password@host:587?starttls=1 or smtps://host.")
    github_app_id: str | None = _setting(
        None,
        "Id of a GitHub App that reports deployments and sets webhooks up; without it, the token of a connection does. It acts "
        "only where whoever connected the project may push, by their linked GitHub account.",
    )
    github_app_key: str | None = _setting(None, "The .pem file with the private key of that app.")
    github_webhook_secret: Secret | None = _setting(
        None, "Secret with which GitHub signs what it tells at /webhook (16 characters or more); without it, nothing there is believed."
    )
    mail_from: str = _setting("canonry@localhost", "Address that Canonry's mail comes from.")
    allowed_origins: str = _setting(
        "", "Origins whose pages may call the API, like https://a.example, separated by commas; * for all, without cookies."
    )
    redis_url: Secret | None = _setting(None, "Redis or Valkey in which several web processes count calls together.")
    rate_limit: int = _setting(300, "API calls a minute for each user.")
    rate_limit_anonymous: int = _setting(30, "API calls a minute for each address that does not say who calls.")
    rate_limit_search: int = _setting(60, "Searches in specs a minute for each user.")
    rate_limit_sign_in: int = _setting(10, "Attempts a minute to sign in, for each address.")
    backups_url: str = _setting(
        "", "Where backups go: a folder (an absolute path) or s3://bucket/prefix; without it, the folder backups in the home."
    )
    backups_key_file: str = _setting(
        "", "File with the key that backups are encrypted with; without it, backups.key in the home. It is in no backup: keep a copy."
    )
    backups_days: int = _setting(7, "Days that databases can be restored back to, at any second.")
    backups_s3_endpoint: str = _setting("", "Address of the S3-compatible storage, like https://s3.example.com; without it, that of AWS.")
    backups_s3_region: str = _setting("", "Region of the bucket.")
    backups_s3_key_id: str = _setting("", "Id of the access key for the bucket; without it, the machine's own role is asked.")
    backups_s3_secret_key: Secret | None = _setting(None, "Secret of that access key.")
    metrics_token: Secret | None = _setting(None, "Bearer token with which Prometheus may read /metrics (16 characters or more).")
    allow_no_sandbox: bool = _setting(False, "Run builds and apps without a sandbox where namespaces are forbidden.")

    @property
    def private_git_host_list(self) -> list[str]:
        """The servers of CANONRY_PRIVATE_GIT_HOSTS, in lower case."""
        return [part.strip().lower() for part in self.private_git_hosts.split(",") if part.strip()]

    @property
    def public_address_list(self) -> list[str]:
        """The public addresses, as they are written in DNS."""
        return [str(ipaddress.ip_address(part.strip())) for part in self.public_addresses.split(",") if part.strip()]

    @property
    def oidc_domains(self) -> list[str]:
        """The domains of CANONRY_OIDC_EMAIL_DOMAINS, in lower case; none for everybody."""
        return [part.strip().lower() for part in self.oidc_email_domains.split(",") if part.strip()]

    @property
    def tls_is_on(self) -> bool:
        """Whether the edge serves HTTPS."""
        return self.https_port > 0 and self.tls != "off"

    @property
    def uses_lets_encrypt(self) -> bool:
        """Whether certificates come from Let's Encrypt, which CAA records may forbid."""
        return self.tls_is_on and self.tls == "acme" and ".letsencrypt.org/" in self.acme_ca

    @property
    def base_is_local(self) -> bool:
        """Whether the base domain is one that no certificate authority outside makes certificates for."""
        return self.base_domain == "localhost" or self.base_domain.endswith(".localhost")

    @property
    def own_url_is_secure(self) -> bool:
        """Whether Canonry's own address is an https one: only with a certificate that command lines and git trust without being told."""
        return self.tls_is_on and not self.base_is_local and (self.tls == "acme" or bool(self.tls_certificate))

    @property
    def own_url(self) -> str:
        """Canonry's own address."""
        if self.own_url_is_secure:
            return public_url(self.base_domain, self.https_port, secure=True)
        return public_url(self.base_domain, self.http_port)

    def url_of(self, host: str) -> str:
        """Return the address at which people reach a host of a project."""
        return public_url(host, self.https_port, secure=True) if self.tls_is_on else public_url(host, self.http_port)

    @property
    def home_path(self) -> Path:
        """The home folder, absolute, with `~` resolved."""
        return self.home.expanduser().absolute()

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose pages may call the API."""
        return tuple(origin.strip() for origin in self.allowed_origins.split(",") if origin.strip())


def read_settings(environ: Mapping[str, str] | None = None, **flags: object) -> Settings:
    """Return the settings from `CANONRY_*` variables, overridden by every flag that is not None.

    Raises: Invalid `invalid_setting`, naming the variable, the value's fault and what is expected.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for item in fields(Settings):
        text = source.get(f"CANONRY_{item.name.upper()}")
        if text is not None and text != "":
            values[item.name] = _parse(item.name, text)
    values.update({name: value for name, value in flags.items() if value is not None})
    return _checked(Settings(**values))


@dataclass(frozen=True)
class ClientSettings:
    """What a remote command takes from the environment; each one wins over the stored credentials."""

    url: str | None = _setting(None, "Address of the Canonry that remote commands talk to, like http://localhost:8080.")
    token: Secret | None = _setting(None, "Token that remote commands send (cnr_...).")


def read_client_settings(environ: Mapping[str, str] | None = None) -> ClientSettings:
    """Return `CANONRY_URL` and `CANONRY_TOKEN`; an empty variable counts as absent."""
    source = os.environ if environ is None else environ
    token = source.get("CANONRY_TOKEN", "").strip()
    return ClientSettings(url=source.get("CANONRY_URL", "").strip() or None, token=Secret(token) if token else None)


def child_environment() -> dict[str, str]:
    """Return the part of our environment that tools we start (git, uv, npm) need: language, proxies, indexes, certificates.

    Nothing of ours (`CANONRY_*`) is in it, and no variable that is not known to be needed.
    """
    prefixes = ("LC_", "UV_", "PIP_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_")
    names = {"LANG", "TZ", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS",
             "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}  # fmt: skip
    chosen = {name: value for name, value in os.environ.items() if name.startswith(prefixes) or name in names}
    return {"PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"), "HOME": os.environ.get("HOME", "/"), **chosen}


def own_environment() -> dict[str, str]:
    """Return our whole environment, secrets included: for another process of Canonry itself, never for anything else."""
    return dict(os.environ)


def user_config_folder() -> Path:
    """Return where this user's own Canonry files lie (`CANONRY_CONFIG`, else XDG, else `~/.config/canonry`)."""
    if chosen := os.environ.get("CANONRY_CONFIG"):
        return Path(chosen)
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "canonry"


def _parse(name: str, text: str) -> object:
    kind = next(item.type for item in fields(Settings) if item.name == name)
    if kind is Path:
        return Path(text)
    if kind == Secret | None:
        return Secret(text)
    if kind is bool:
        if text.lower() not in {"0", "1", "true", "false", "yes", "no"}:
            raise _wrong(name, text, "expected 1 or 0")
        return text.lower() in {"1", "true", "yes"}
    if kind in {str, str | None}:
        return text
    if not text.isascii() or not text.isdigit():
        raise _wrong(name, text, "expected a whole number")
    return int(text)


_RANGES = {"backups_days": (1, 3650), "preview_days": (1, 365), "preview_limit": (1, 1000),
           "http_port": (1, 65535), "https_port": (0, 65535), "workers": (1, 64), "build_timeout": (1, 86_400), "health_timeout": (1, 3600),
           "drain_seconds": (0, 3600), "stop_grace": (0, 600), "instance_memory": (16, 1 << 20),
           "disk_reserve": (0, 1 << 30), "disk_clean_below": (0, 1 << 30), "disk_artifacts": (1, 1 << 30), "disk_build_logs": (1, 1 << 30),
           "disk_instance_logs": (1, 1 << 30), "disk_caches": (1, 1 << 30), "disk_repository": (1, 1 << 30), "disk_mirrors": (1, 1 << 30),
           "build_memory": (64, 1 << 20), "build_disk": (16, 1 << 20), "upload_limit": (1, 1 << 16),
           "database_disk": (64, 1 << 24), "database_sleep": (0, 1 << 31),
           "rate_limit": (1, 1 << 31), "rate_limit_anonymous": (1, 1 << 31), "rate_limit_search": (1, 1 << 31),
           "rate_limit_sign_in": (1, 1 << 31)}  # fmt: skip


_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


_GIT_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*")


def _checked(settings: Settings) -> Settings:
    for name, (low, high) in _RANGES.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            raise _wrong(name, value, f"expected {low} to {high}")
    _check_lists(settings)
    if settings.redis_url is not None and not settings.redis_url.reveal().startswith(("redis://", "rediss://", "unix://")):
        raise _wrong("redis_url", settings.redis_url, "expected redis://, rediss:// or unix://")
    try:
        _ = settings.public_address_list
    except ValueError as error:
        raise _wrong("public_addresses", settings.public_addresses, "expected IP addresses separated by commas") from error
    url = settings.databases_url
    if url is not None and not url.reveal().startswith(("postgresql://", "postgres://")):
        raise _wrong("databases_url", url, "expected postgresql://user:password@host:port/database")
    if settings.disk_clean_below < settings.disk_reserve:
        raise _wrong("disk_clean_below", settings.disk_clean_below, "expected CANONRY_DISK_RESERVE or more: cleaning comes before stopping")
    token = settings.metrics_token
    if token is not None and not (len(token.reveal()) >= 16 and token.reveal().isascii() and token.reveal().isprintable()):
        raise _wrong("metrics_token", token, "expected 16 printable ASCII characters or more")
    spoken = settings.github_webhook_secret
    if spoken is not None and not (len(spoken.reveal()) >= 16 and spoken.reveal().isascii() and spoken.reveal().isprintable()):
        raise _wrong("github_webhook_secret", spoken, "expected 16 printable ASCII characters or more")
    _check_tls(settings)
    if settings.dns_resolver and not _is_server(settings.dns_resolver):
        raise _wrong("dns_resolver", settings.dns_resolver, "expected an IP address and a port, like 127.0.0.1:53")
    _check_provider(settings)
    _check_mail(settings)
    _check_backups(settings)
    return settings


_S3_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?")


def _check_lists(settings: Settings) -> None:
    for origin in settings.origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise _wrong("allowed_origins", origin, "expected origins like https://app.example.com, without a path")
    for host in settings.private_git_host_list:
        if not _GIT_HOST.fullmatch(host):
            raise _wrong("private_git_hosts", host, "expected names or addresses, each with a port when it shall be only that one")


def _check_backups(settings: Settings) -> None:
    url = settings.backups_url
    if url and not Path(url).is_absolute() and not _S3_URL.fullmatch(url):
        raise _wrong("backups_url", url, "expected an absolute path or s3://bucket/prefix")
    if settings.backups_key_file and not Path(settings.backups_key_file).is_absolute():
        raise _wrong("backups_key_file", settings.backups_key_file, "expected an absolute path")
    if settings.backups_s3_endpoint and not re.fullmatch(r"https?://[^/\s]+/?", settings.backups_s3_endpoint):
        raise _wrong("backups_s3_endpoint", settings.backups_s3_endpoint, "expected an address like https://s3.example.com")
    if bool(settings.backups_s3_key_id) != (settings.backups_s3_secret_key is not None):
        missing = "backups_s3_secret_key" if settings.backups_s3_key_id else "backups_s3_key_id"
        raise _wrong(missing, "", "an access key has an id and a secret: expected both or none")


def _check_mail(settings: Settings) -> None:
    if settings.smtp_url is not None:
        try:
            parse_smtp_url(settings.smtp_url)
        except ValueError as error:
            raise _wrong("smtp_url", settings.smtp_url, str(error)) from None
    _, bracket, address = settings.mail_from.rpartition("<")
    try:
        parse_address(address.removesuffix(">") if bracket else settings.mail_from)
    except Invalid as error:
        raise _wrong("mail_from", settings.mail_from, "expected canonry@example.com or Canonry <canonry@example.com>") from error


def _check_tls(settings: Settings) -> None:
    """Refuse what would be ignored or could not work, before anything starts."""
    if settings.tls not in {"off", "internal", "acme"}:
        raise _wrong("tls", settings.tls, "expected off, internal or acme")
    if (settings.tls == "off") != (settings.https_port == 0):
        raise _wrong("https_port", settings.https_port, f"with CANONRY_TLS={settings.tls} expected "
                     + ("0" if settings.tls == "off" else "a port, like 443 or 8443"))  # fmt: skip
    if settings.https_port == settings.http_port:
        raise _wrong("https_port", settings.https_port, "expected another port than CANONRY_HTTP_PORT")
    if settings.hsts not in {"domains", "all", "off"}:
        raise _wrong("hsts", settings.hsts, "expected domains, all or off")
    if not settings.acme_ca.startswith("https://"):
        raise _wrong("acme_ca", settings.acme_ca, "expected an https:// address")
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        missing = "tls_key" if settings.tls_certificate else "tls_certificate"
        raise _wrong(missing, "", "a certificate and its key belong together: expected both files or none")
    for name in ("acme_ca_root", "tls_certificate", "tls_key"):
        file = getattr(settings, name)
        if file and not Path(file).is_absolute():
            raise _wrong(name, file, "expected an absolute path")
        if file and not os.access(file, os.R_OK):
            raise _wrong(name, file, "expected a file that Canonry may read")


def _is_server(text: str) -> bool:
    host, _, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return port.isascii() and port.isdigit() and 0 < int(port) < 65536


def _check_provider(settings: Settings) -> None:
    if settings.oidc_email_domains.strip() and not settings.oidc_domains:  # commas only would let everybody in
        raise _wrong("oidc_email_domains", settings.oidc_email_domains, "expected domains like example.com,example.org")
    for domain in settings.oidc_domains:
        try:
            fits = parse_address(f"a@{domain}").partition("@")[2] == domain
        except Invalid:
            fits = False
        if not fits:
            raise _wrong("oidc_email_domains", domain, "expected domains like example.com,example.org")
    if settings.oidc_issuer is None:
        if settings.oidc_domains:
            raise _wrong("oidc_issuer", "", "CANONRY_OIDC_EMAIL_DOMAINS is about it; expected both or none")
        return
    if not settings.oidc_issuer.startswith(("https://", "http://")) or "/.well-known/" in settings.oidc_issuer:
        raise _wrong("oidc_issuer", settings.oidc_issuer, "expected the provider's issuer, like https://login.example.com")
    if settings.oidc_client_id is None:
        raise _wrong("oidc_client_id", "", "expected what the provider of CANONRY_OIDC_ISSUER calls this Canonry")


def _wrong(name: str, value: object, expected: str) -> Invalid:
    variable = f"CANONRY_{name.upper()}"
    return Invalid("invalid_setting", f"{variable} (--{name.replace('_', '-')}) is {value!r}: {expected}.",
                   hint=f"Correct {variable} and start again.")  # fmt: skip
