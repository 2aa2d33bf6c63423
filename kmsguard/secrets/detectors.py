"""Secrets that are known by their structure, one entry each.

Sources are the issuers' pages; where an issuer publishes none, the shape of what it issues.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeAlias

import msgspec

from kmsguard.secrets.placeholders import is_placeholder

Confidence: TypeAlias = Literal["high", "medium", "low"]

HOLE = "\ufffc"
"""Stands in a text where something is that is not known (U+FFFC, which is for objects in a text)."""

PRIVATE_KEY = "private-key"
ACCESS_KEY = "aws-access-key-id"
SECRET_KEY = "aws-secret-access-key"  # noqa: S105 - the name of a kind
URL = "url-password"
HEADER = "authorization-header"
NAMED = "named-secret"


class Detector(msgspec.Struct, frozen=True):
    """How one kind of secret is found.

    Every match has one of the `needles` in it, `reach` characters behind its beginning: only what is around them is looked at,
    which is what makes a text without secrets cheap. The group `secret` of the pattern is the secret, else the whole match is.
    """

    kind: str
    title: str  # with its article
    needles: tuple[str, ...]
    pattern: str  # compiled when a needle is found: most runs need none of them
    confidence: Confidence = "high"
    reach: int = 0
    check: Callable[[str], bool] | None = None
    short: bool = False  # can be in words of less than twenty characters

    def compiled(self) -> re.Pattern[str]:
        """The pattern, compiled once."""
        return _compiled(self.pattern)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _token(
    kind: str,
    title: str,
    needles: str,
    pattern: str,
    confidence: Confidence = "high",
    *,
    reach: int = 0,
    check: Callable[[str], bool] | None = None,
) -> Detector:
    """A detector of something that is no part of a longer word. The needles are separated by blanks."""
    whole = rf"(?<![A-Za-z0-9_-])(?:{pattern})(?![A-Za-z0-9])"
    return Detector(kind, title, tuple(needles.split()), whole, confidence, reach, check)


_ARGUMENTS = r"(?:(?:[^\n|;&\\]|\\\n|\\.)*?\s)??"  # in front of the one that counts, in the same command
_GIVEN = r"(?P<secret>(?![$`%<{])[^\s\"'`;|]{4,256})"


def _command(kind: str, needle: str, pattern: str) -> Detector:
    """A detector of a password that a command is given."""
    title = "an AWS secret access key" if kind == "aws-configure" else "a password on a command line"
    return Detector(kind, title, (needle,), rf"(?<![\w-]){pattern}", "medium", check=_is_given, short=True)


def _is_given(text: str) -> bool:
    return not is_placeholder(text)


def _is_user_and_password(text: str) -> bool:
    """Whether a text is the base64 of a user name, a colon and a password."""
    from base64 import b64decode

    try:
        user, colon, password = b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(user and colon and password) and (user + password).isprintable() and not is_placeholder(password)


def _is_json_web_token(text: str) -> bool:
    from base64 import urlsafe_b64decode

    head = text.split(".", 1)[0]
    try:
        return b'"alg"' in urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except ValueError:
        return False


_KEY_LABEL = "(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?"

DETECTORS: tuple[Detector, ...] = (
    Detector(  # RFC 7468, RFC 4880; line breaks may be written as escapes
        PRIVATE_KEY,
        "a private key",
        ("-----BEGIN ",),
        rf"-----BEGIN {_KEY_LABEL}-----(?:\\[rnt]|[A-Za-z0-9+/=:,\s.()]|-(?!----)){{32,}}+(?:-----END {_KEY_LABEL}-----|\Z)",
        short=True,
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
    _token(ACCESS_KEY, "an AWS access key", "AKIA ASIA", r"A[KS]IA[A-Z0-9]{16}"),
    # https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html
    _token(
        "aws-bedrock-api-key",
        "an Amazon Bedrock API key",
        "ABSK bedrock-api-key-",
        r"ABSK[0-9A-Za-z+/]{100,}={0,2}|bedrock-api-key-[0-9A-Za-z+/=]{40,}",
    ),
    # https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
    _token(
        "github-token",
        "a GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"gh[pousr]_[0-9A-Za-z]{36,255}|github_pat_[0-9A-Za-z_]{40,255}",
    ),
    # https://docs.gitlab.com/security/tokens/#token-prefixes
    _token(
        "gitlab-token",
        "a GitLab token",
        "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- gloas- glsoat-",
        r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat)-[0-9A-Za-z_.=-]{20,}",
    ),
    # https://docs.slack.dev/authentication/tokens
    _token("slack-token", "a Slack token", "xox", r"xox[abceoprs](?:\.xox[bp])?-[0-9A-Za-z-]{15,}"),
    _token("slack-app-token", "a Slack token", "xapp-", r"xapp-[0-9]-[0-9A-Za-z-]{20,}"),
    Detector(
        "slack-webhook",
        "a Slack webhook",
        ("hooks.slack.com/",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[0-9A-Za-z_/+-]{20,})",
    ),
    Detector(
        "discord-webhook",
        "a Discord webhook",
        ("/api/webhooks/",),
        r"/api/webhooks/[0-9]{16,}/(?P<secret>[0-9A-Za-z_-]{50,})",
    ),
    # https://docs.stripe.com/keys
    _token(
        "stripe-key",
        "a Stripe secret key",
        "sk_live_ rk_live_ sk_test_ rk_test_ whsec_",
        r"[sr]k_(?:live|test)_[0-9A-Za-z]{16,}|whsec_[0-9A-Za-z+/=]{32,}",
    ),
    # https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/
    _token("npm-token", "an npm token", "npm_", r"npm_[0-9A-Za-z]{36}"),
    # https://pypi.org/help/#apitoken: a macaroon that names pypi.org or test.pypi.org
    _token("pypi-token", "a PyPI token", "pypi-AgE", r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[0-9A-Za-z_-]{30,}"),
    _token("sendgrid-key", "a SendGrid API key", "SG.", r"SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}"),
    _token("twilio-key", "a Twilio API key", "SK", r"SK[0-9a-f]{32}", "medium"),
    _token("google-api-key", "a Google API key", "AIza", r"AIza[0-9A-Za-z_-]{35}"),
    _token("google-oauth-secret", "a Google OAuth client secret", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{24,}"),
    # https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    _token("azure-storage-key", "an Azure storage key", "AccountKey=", r"AccountKey=(?P<secret>[0-9A-Za-z+/]{80,88}={0,2})"),
    _token(
        "azure-shared-access-key",
        "an Azure shared access key",
        "SharedAccessKey=",
        r"SharedAccessKey=(?P<secret>[0-9A-Za-z+/]{40,}={0,2})",
    ),
    _token(
        "azure-client-secret",
        "an Azure client secret",
        "Q~",
        r"[0-9A-Za-z_~.]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34}",
        reach=4,
    ),
    _token("anthropic-key", "an Anthropic API key", "sk-ant-", r"sk-ant-[a-z]{3,8}[0-9]{2}-[0-9A-Za-z_-]{40,}"),
    _token(
        "openai-key",
        "an OpenAI API key",
        "sk-",
        r"sk-(?:proj|svcacct|admin)-[0-9A-Za-z_-]{20,}|sk-[0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}|sk-[0-9A-Za-z]{48}",
    ),
    _token("huggingface-token", "a Hugging Face token", "hf_", r"hf_[A-Za-z]{34}"),
    # https://jfrog.com/help/r/jfrog-platform-administration-documentation/access-tokens: API keys, reference tokens
    _token("artifactory-token", "an Artifactory token", "AKCp cmVmdGtu", r"AKCp[0-9][0-9A-Za-z]{60,}|cmVmdGtu[0-9A-Za-z]{56}"),
    # https://developer.hashicorp.com/vault/docs/concepts/tokens
    _token("vault-token", "a Vault token", "hvs. hvb. hvr.", r"hv[sbr]\.[0-9A-Za-z_-]{24,}"),
    _token(
        "terraform-cloud-token",
        "an HCP Terraform token",
        ".atlasv1.",
        r"[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_-]{60,}",
        reach=14,
    ),
    _token("docker-hub-token", "a Docker Hub token", "dckr_pat_ dckr_oat_", r"dckr_[po]at_[0-9A-Za-z_-]{27,}"),
    _token("digitalocean-token", "a DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _token("databricks-token", "a Databricks token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    _token("new-relic-key", "a New Relic key", "NRAK- NRII-", r"NRAK-[0-9A-Z]{27}|NRII-[0-9A-Za-z_-]{32}"),
    _token("new-relic-license", "a New Relic license key", "NRAL", r"[0-9a-f]{36}NRAL", reach=36),
    _token(
        "grafana-token",
        "a Grafana token",
        "glsa_ glc_",
        r"glsa_[0-9A-Za-z]{32}_[0-9a-f]{8}|glc_[0-9A-Za-z+/]{32,}={0,2}",
    ),
    _token("sentry-token", "a Sentry token", "sntrys_ sntryu_", r"sntrys_[0-9A-Za-z+/=_]{40,}|sntryu_[0-9a-f]{64}"),
    _token("atlassian-token", "an Atlassian token", "ATATT3 ATCTT3 ATBB", r"AT[AC]TT3[0-9A-Za-z_=-]{60,}|ATBB[0-9A-Za-z]{32}"),
    _token("shopify-token", "a Shopify token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _token("mailgun-key", "a Mailgun key", "key-", r"key-[0-9a-f]{32}"),
    _token("mailchimp-key", "a Mailchimp key", "-us", r"[0-9a-f]{32}-us[0-9]{1,2}", reach=32),
    _token("telegram-token", "a Telegram bot token", ":AA", r"[0-9]{9,10}:AA[0-9A-Za-z_-]{33}", reach=10),
    _token("linear-key", "a Linear API key", "lin_api_", r"lin_api_[0-9A-Za-z]{40}"),
    _token("pulumi-token", "a Pulumi token", "pul-", r"pul-[0-9a-f]{40}"),
    _token("postman-key", "a Postman API key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _token("planetscale-token", "a PlanetScale token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[0-9A-Za-z_.=-]{32,}"),
    _token("dynatrace-token", "a Dynatrace token", "dt0c01. dt0s", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _token("age-key", "an age secret key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _token(
        "json-web-token",
        "a JSON web token",
        "eyJ",
        r"eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{16,}",
        "medium",
        check=_is_json_web_token,
    ),
    # RFC 3986, 3.2.1: user:password@ in front of the host. An image's tag stands there too, in front of its digest.
    Detector(
        URL,
        "a password in a URL",
        ("://",),
        rf"://[^\s/?#:@'\"<>\\]*:(?P<secret>[^\s/?#@'\"<>\\]{{1,256}})@(?!sha256:)[A-Za-z0-9\[{HOLE}$_{{-]",
        short=True,
    ),
    # RFC 7617, RFC 6750
    Detector(
        HEADER,
        "credentials of an HTTP request",
        ("uthorization",),
        r"""uthorization["']?\s*[:=]\s*["']?(?:[Bb]asic|[Bb]earer|[Tt]oken)\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})""",
        short=True,
    ),
    Detector(  # RFC 7617, wherever it is compared or sent
        "basic-credentials",
        "credentials of an HTTP request",
        ("asic ",),
        r"(?<![\w-])[Bb]asic (?P<secret>[A-Za-z0-9+/]{8,}={0,2})(?![\w+/=-])",
        reach=1,
        check=_is_user_and_password,
        short=True,
    ),
    # What commands take a password by. https://curl.se/docs/manpage.html#-u,
    # https://dev.mysql.com/doc/refman/8.4/en/password-security-user.html
    _command("curl-password", "curl", rf"curl\s{_ARGUMENTS}(?:-u|--user)[ =]?[\"']?[^\s:\"'$`]*:{_GIVEN}"),
    _command("mysql-password", "mysql", rf"mysql(?:dump|import|show|admin|check)?\s{_ARGUMENTS}-p(?![\d:]+\s)[\"']?{_GIVEN}"),
    _command("mysqladmin-password", "mysqladmin", rf"mysqladmin\s{_ARGUMENTS}password\s+[\"']?{_GIVEN}"),
    _command("sshpass-password", "sshpass", rf"sshpass\s+-p\s*[\"']?{_GIVEN}"),
    _command("docker-password", "docker", rf"docker\s+login\s{_ARGUMENTS}-p[ =]?[\"']?{_GIVEN}"),
    _command("aws-configure", "aws_secret_access_key", r"aws_secret_access_key\s+[\"']?(?P<secret>[\w/+]{40})(?![\w/+=])"),
    # https://docs.cloud-init.io/en/latest/reference/modules.html#set-passwords
    _command(
        "chpasswd-password",
        "chpasswd:",
        rf"chpasswd:\s*\n(?:\s+expire:[^\n]*\n)?\s+list:\s*\|?\s*\n\s+(?:- )?[\"']?[\w.-]+:(?!RANDOM\b){_GIVEN}",
    ),
)

TITLES: dict[str, str] = {
    **{detector.kind: detector.title for detector in DETECTORS},
    SECRET_KEY: "an AWS secret access key",
    NAMED: "a secret",
}
"""What each kind is called in a message, with its article."""
