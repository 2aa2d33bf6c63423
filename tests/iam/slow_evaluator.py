"""A slow, direct reading of the specification over plain JSON and whole requests, written apart from the program.

Truths are 0 (NO), 1 (UNKNOWN) and 2 (YES).
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from fractions import Fraction

NO, UNKNOWN, YES = 0, 1, 2
AUDIENCES = ("nobody", "account-principals", "account", "trusted", "organization", "external", "service", "public")

SYMMETRIC = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
]
USE = [*SYMMETRIC, "DeriveSharedSecret", "Encapsulate", "Decapsulate"]
ADMINISTER = [
    *["PutKeyPolicy", "ScheduleKeyDeletion", "CancelKeyDeletion", "DisableKey", "EnableKey", "DisableKeyRotation"],
    *["EnableKeyRotation", "RotateKeyOnDemand", "DeleteImportedKeyMaterial", "ImportKeyMaterial", "ReplicateKey"],
    *["UpdatePrimaryRegion", "CreateAlias", "UpdateAlias", "DeleteAlias", "TagResource", "UntagResource"],
    "UpdateKeyDescription",
]
SIGN = ["Sign", "Verify", "GenerateMac", "VerifyMac"]
CLASSES = {"use": USE, "grant": ["CreateGrant"], "administer": ADMINISTER, "sign": SIGN}

STRINGS = (
    "aws:PrincipalAccount kms:CallerAccount aws:PrincipalOrgID aws:PrincipalOrgPaths aws:PrincipalType "
    "aws:PrincipalServiceName "
    "aws:username aws:SourceIdentity kms:ViaService aws:SourceVpc aws:SourceVpce aws:UserAgent aws:Referer aws:ResourceAccount "
    "aws:SourceAccount aws:SourceOrgID aws:SourceOrgPaths kms:EncryptionContextKeys kms:GrantOperations kms:GranteePrincipal "
    "kms:RetiringPrincipal kms:GrantConstraintType kms:EncryptionAlgorithm kms:SigningAlgorithm kms:MessageType "
    "kms:MacAlgorithm kms:KeyAgreementAlgorithm kms:DataKeyPairSpec kms:RequestAlias kms:ReplicaRegion kms:PrimaryRegion "
    "kms:ExpirationModel"
)
TYPES = {
    **dict.fromkeys(STRINGS.lower().split(), "string"),
    **dict.fromkeys(["aws:principalarn", "aws:sourcearn"], "arn"),
    **dict.fromkeys(
        [
            "aws:principalisawsservice",
            "aws:multifactorauthpresent",
            "aws:viaawsservice",
            "aws:securetransport",
            "kms:grantisforawsresource",
            "kms:reencryptonsamekey",
            "kms:bypasspolicylockoutsafetycheck",
        ],
        "bool",
    ),
    **dict.fromkeys(["aws:sourceip", "aws:vpcsourceip"], "ip"),
    **dict.fromkeys(
        ["aws:multifactorauthage", "kms:schedulekeydeletionpendingwindowindays", "kms:rotationperiodindays"], "numeric"
    ),
    **dict.fromkeys(["aws:currenttime", "aws:epochtime"], "date"),
}
SETS = ("aws:principalorgpaths", "aws:sourceorgpaths", "kms:encryptioncontextkeys", "kms:grantoperations")
NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
CONTEXT = "kms:encryptioncontext:"
TAG = "aws:principaltag/"


def key_type(name, request):
    """The type of a condition key, or None where it is none."""
    name = name.lower()
    if name == "aws:principaltype" and request["kind"] == "service":
        return None
    if any(name.startswith(prefix) and len(name) > len(prefix) for prefix in (CONTEXT, TAG)):
        return "string"
    return TYPES.get(name)


def left_open(value):
    """Whether a value that stands where a string belongs is left open."""
    if isinstance(value, (dict, list)) or value is None:
        return True
    if not isinstance(value, str):
        return False
    for inside in re.findall(r"\$\{([^}]*)\}", value):
        name = inside.split(", '")[0]
        if inside not in ("*", "?", "$") and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*:[^:\s]\S*", name):
            return True
    return False


def listed(value):
    """An element as a list."""
    return value if isinstance(value, list) else [value]


def wild(pattern, text, flags=0):
    """Whether a text fits a pattern with * and ?."""
    regex = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(regex, text, re.DOTALL | flags) is not None


def partition(region):
    """The partition of a Region."""
    region = region or ""
    return "aws-us-gov" if region.startswith("us-gov-") else "aws-cn" if region.startswith("cn-") else "aws"


class Policy:
    """A document with the options that it is judged by."""

    def __init__(self, document, account, trusted=(), organizations=(), region=None):
        self.document = document
        self.account = account
        self.trusted = [a for a in trusted if a != account]
        self.organizations = list(organizations)
        self.region = region
        self.partition = partition(region)
        self.statements = listed(document["Statement"])
        self.variables = document.get("Version") == "2012-10-17"

    # Decision

    def decide(self, request):
        """The truth of a request."""
        own = request["account"] == self.account and request["kind"] != "service"
        everybody = [*USE, "CreateGrant", *SIGN]
        if request["operation"] not in everybody and not own:
            return NO
        allowed = max((self.matches(s, request) for s in self.statements if s["Effect"] == "Allow"), default=NO)
        denied = max((self.matches(s, request) for s in self.statements if s["Effect"] == "Deny"), default=NO)
        return min(allowed, 2 - denied)

    def matches(self, statement, request):
        """The truth of a statement."""
        return min(
            self.action(statement, request),
            self.resource(statement),
            self.principal(statement, request),
            self.condition(statement, request),
        )

    def action(self, statement, request):
        """The truth of Action or NotAction."""
        for name in ("Action", "NotAction"):
            if name in statement:
                truth = NO
                for entry in listed(statement[name]):
                    if left_open(entry):
                        truth = max(truth, UNKNOWN)
                    elif wild(entry, "kms:" + request["operation"], re.IGNORECASE | re.ASCII):
                        truth = YES
                return truth if name == "Action" else 2 - truth
        return NO

    def resource(self, statement):
        """The truth of Resource or NotResource."""
        for name in ("Resource", "NotResource"):
            if name in statement:
                truth = max((self.resource_entry(entry) for entry in listed(statement[name])), default=NO)
                return truth if name == "Resource" else 2 - truth
        return NO

    def resource_entry(self, entry):
        """The truth of one entry."""
        if entry == "*":
            return YES
        if left_open(entry) or re.search(r"\$\{[^}]*\}", entry) or entry.count(":") < 5:
            return UNKNOWN
        arn, part, service, region, account, rest = entry.split(":", 5)
        truths = [
            YES if wild(arn, "arn") else NO,
            YES if wild(part, self.partition) else NO,
            YES if wild(service, "kms") else NO,
            YES if wild(account, self.account) else NO,
        ]
        if self.region is not None:
            truths.append(YES if wild(region, self.region) else NO)
        else:
            truths.append(YES if region == "*" else UNKNOWN)
        if rest in ("*", "key/*"):
            truths.append(YES)
        else:
            truths.append(UNKNOWN if rest.startswith("key/") or "*" in rest or "?" in rest else NO)
        return min(truths)

    def principal(self, statement, request):
        """The truth of Principal or NotPrincipal."""
        if "Principal" in statement:
            found = self.entries(statement["Principal"])
            if found is None:
                return UNKNOWN
            return max((max(self.reach(kind, entry, request)) for kind, entry in found), default=NO)
        if "NotPrincipal" in statement:
            found = self.entries(statement["NotPrincipal"])
            if found is None:
                return UNKNOWN
            pairs = [(2, 2) if entry == "*" else self.reach(kind, entry, request) for kind, entry in found]
            itself = max((pair[0] for pair in pairs), default=NO)
            account = max((pair[1] for pair in pairs), default=NO)
            if request["kind"] == "service":
                account = itself
            if request["kind"] == "root":
                itself = account
            if itself == account == YES:
                return NO
            return YES if itself == account == NO else UNKNOWN
        return NO

    def entries(self, element):
        """Pairs of type and entry; None where the element is left open."""
        if element == "*":
            return [("AWS", "*")]
        if isinstance(element, dict):
            kinds = ("AWS", "Service", "Federated", "CanonicalUser")
            if set(element) - set(kinds):
                return None
            return [(kind, entry) for kind in kinds if kind in element for entry in listed(element[kind])]
        return None if left_open(element) else []

    def reach(self, kind, entry, request):
        """How an entry reaches a caller: itself, by its account."""
        service = request["kind"] == "service"
        if kind == "Service":
            if not service:
                return (NO, NO)
            return (UNKNOWN, UNKNOWN) if left_open(entry) else (YES, YES) if entry == request["arn"] else (NO, NO)
        if kind != "AWS":
            return (NO, NO)
        if left_open(entry):
            return (UNKNOWN, UNKNOWN)
        if entry == "*":
            return (YES, YES)
        if service:
            return (NO, NO)
        root = f"arn:{self.partition}:iam::{request['account']}:root"
        if entry in (request["account"], root):
            return (YES, YES) if request["kind"] == "root" else (NO, YES)
        return (YES, NO) if entry in (request["arn"], request.get("session")) else (NO, NO)

    # Conditions

    def condition(self, statement, request):
        """The truth of a condition."""
        truths = [YES]
        for operator, keys in (statement.get("Condition") or {}).items():
            truths.extend(self.test(operator, key, values, request) for key, values in keys.items())
        return min(truths)

    def test(self, operator, key, values, request):
        """The truth of one operator and key."""
        type_ = key_type(key, request)
        if type_ is None:
            return UNKNOWN
        found = re.fullmatch(r"(forallvalues:|foranyvalue:)?(.*?)(ifexists)?", operator.lower(), re.DOTALL)
        prefix, base, if_exists = found.groups()
        held = request["values"].get(key.lower())
        if base == "null":
            if prefix or if_exists:
                return UNKNOWN
            wanted = "true" if held is None else "false"
            return max(
                (UNKNOWN if left_open(v) else YES if text(v).lower() == wanted else NO for v in listed(values)), default=NO
            )
        negated, plain = NEGATED.get(base) is not None, NEGATED.get(base, base)
        if not self.fits(plain, negated, type_):
            return UNKNOWN
        if held is None:
            if prefix == "forallvalues:":
                return YES
            if prefix == "foranyvalue:":
                return UNKNOWN if if_exists else NO
            return YES if if_exists or negated else NO
        if key.lower() in SETS and not prefix:
            return UNKNOWN
        truths = []
        for value in listed(held):
            truth = max((self.compare(plain, v, value, request) for v in listed(values)), default=NO)
            truths.append(2 - truth if negated else truth)
        return max(truths) if prefix == "foranyvalue:" else min(truths)

    def fits(self, plain, negated, type_):
        """Whether there is such an operator for a type."""
        if plain in ("stringequals", "stringequalsignorecase", "stringlike"):
            return type_ in ("string", "arn", "bool")
        if plain in ("arnequals", "arnlike"):
            return type_ in ("string", "arn")
        if plain == "bool" and not negated:
            return type_ == "bool"
        if plain == "ipaddress":
            return type_ == "ip"
        orders = ["equals", "lessthan", "lessthanequals", "greaterthan", "greaterthanequals"]
        return any(plain == family + order and type_ == family for family in ("numeric", "date") for order in orders)

    def compare(self, plain, policy, value, request):
        """The truth of one policy value against one value of the request."""
        if left_open(policy):
            return UNKNOWN
        policy = text(policy)
        if plain == "bool":
            return YES if policy.lower() == value and policy.lower() in ("true", "false") else NO
        if plain == "ipaddress":
            range_ = network(policy)
            if range_ is None:
                return UNKNOWN
            address = ipaddress.ip_address(value)
            return YES if address.version == range_.version and address in range_ else NO
        if plain.startswith(("numeric", "date")):
            read = numeric if plain.startswith("numeric") else instant
            a, b = read(value), read(policy)
            if b is None:
                return UNKNOWN
            order = plain.removeprefix("numeric").removeprefix("date")
            return (
                YES
                if {
                    "equals": a == b,
                    "lessthan": a < b,
                    "lessthanequals": a <= b,
                    "greaterthan": a > b,
                    "greaterthanequals": a >= b,
                }[order]
                else NO
            )
        return self.compare_text(plain, policy, value, request)

    def compare_text(self, plain, policy, value, request):
        """The same for texts; characters of the policy that are no wildcards carry a mark."""
        chars = self.expand(policy, request) if self.variables else [(c, False) for c in policy]
        if isinstance(chars, int):
            return chars
        if plain == "stringequals":
            return YES if "".join(c for c, _ in chars) == value else NO
        if plain == "stringequalsignorecase":
            return YES if "".join(c for c, _ in chars).lower() == value.lower() else NO
        if plain == "stringlike":
            return YES if marked(chars, value) else NO
        parts = [[]]
        for char, is_plain in chars:
            if char == ":" and not is_plain and len(parts) < 6:
                parts.append([])
            else:
                parts[-1].append((char, is_plain))
        if len(parts) < 6:
            return UNKNOWN
        values = value.split(":", 5)
        return YES if len(values) == 6 and all(marked(p, v) for p, v in zip(parts, values, strict=True)) else NO

    def expand(self, policy, request):
        """A value with its variables replaced, as pairs of character and whether it is plain; or a truth."""
        pieces = re.split(r"(\$\{[^}]*\})", policy)
        names = []
        for piece in pieces[1::2]:
            inside = piece[2:-1]
            if inside not in ("*", "?", "$"):
                key, default = variable(inside)
                names.append((key, default))
                if key_type(key, request) in (None, "ip", "numeric", "date"):
                    return UNKNOWN
        out = []
        for index, piece in enumerate(pieces):
            if index % 2 == 0:
                out.extend((c, False) for c in piece)
            elif piece[2:-1] in ("*", "?", "$"):
                out.append((piece[2:-1], True))
            else:
                key, default = names.pop(0)
                held = request["values"].get(key.lower())
                if held is None or isinstance(held, list):
                    held = default
                if held is None:
                    return NO
                out.extend((c, True) for c in held)
        return out

    # Audiences

    def audience(self, request):
        """The audience of a request."""
        account, service, values = request["account"], request["kind"] == "service", request["values"]
        if account == self.account:
            named = request["kind"] == "root" or service or self.is_named(request)
            return "account-principals" if named else "account"
        if account in self.trusted:
            return "trusted"
        prefix = "aws:source" if service else "aws:principal"
        shown = values.get(prefix + "orgid")
        if shown is None and values.get(prefix + "orgpaths"):
            shown = values[prefix + "orgpaths"][0].split("/")[0]
        if shown in self.organizations:
            return "organization"
        strings = [s for statement in self.statements for s in all_strings(statement)]
        if any(account in re.findall(r"(?<!\d)\d{12}(?!\d)", s) for s in strings):
            return "external"
        pattern = r"(?<![A-Za-z0-9-])o-[a-z0-9]{10,32}(?![a-z0-9])"
        if shown is not None and any(shown in re.findall(pattern, s) for s in strings):
            return "external"
        if service:
            return "service"
        return "external" if self.from_named_network(values) else "public"

    def naming(self):
        """All strings in principals and condition values."""
        for statement in self.statements:
            yield from all_strings([statement.get("Principal"), statement.get("NotPrincipal")])
            for keys in (statement.get("Condition") or {}).values():
                yield from all_strings(list(keys.values()))

    def tested(self, *names):
        """The strings that conditions test keys against."""
        for statement in self.statements:
            for keys in (statement.get("Condition") or {}).values():
                for key, values in keys.items():
                    if key.lower() in names:
                        yield from (v for v in listed(values) if isinstance(v, str))

    def is_named(self, request):
        """Whether a caller of the own account is named."""
        strings = list(self.naming())
        if request["arn"] in strings or request.get("session") in strings:
            return True
        return request["kind"] == "user" and request["arn"].split("/")[-1] in self.tested("aws:username")

    def from_named_network(self, values):
        """Whether a call comes from a named network."""
        strings = list(self.naming())
        if any(values.get(key) is not None and values[key] in strings for key in ("aws:sourcevpc", "aws:sourcevpce")):
            return True
        address = values.get("aws:sourceip")
        return address is not None and self.in_named_range(address)

    def in_named_range(self, address):
        """Whether an address lies in a range that names a network."""
        address = ipaddress.ip_address(address)
        for value in self.tested("aws:sourceip", "aws:vpcsourceip"):
            range_ = network(value)
            if range_ is not None and range_.prefixlen >= (8 if range_.version == 4 else 32) and address in range_:
                return True
        return False


def variable(inside):
    """The key and the default of a policy variable."""
    key, comma, rest = inside.partition(", '")
    return (key, rest[:-1]) if comma and rest.endswith("'") else (inside, None)


def text(value):
    """A policy value as text."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def marked(chars, value):
    """Whether a text fits a pattern whose plain characters are no wildcards."""
    regex = "".join(".*" if c == "*" and not p else "." if c == "?" and not p else re.escape(c) for c, p in chars)
    return re.fullmatch(regex, value, re.DOTALL) is not None


def network(value):
    """A range of addresses, or None."""
    if "%" in value or ("/" in value and not value.split("/", 1)[1].isdecimal()):
        return None
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None


def numeric(value):
    """A number, or None."""
    return Fraction(value) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", value) else None


def instant(value):
    """Seconds since 1970, or None."""
    if len(value) != 4 and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return Fraction(value)
    shapes = {
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "%Y-%m-%dT%H:%M:%SZ",
        r"\d{4}-\d\d-\d\dT\d\d:\d\dZ": "%Y-%m-%dT%H:%MZ",
        r"\d{4}-\d\d-\d\d": "%Y-%m-%d",
        r"\d{4}-\d\d": "%Y-%m",
        r"\d{4}": "%Y",
    }
    for shape, form in shapes.items():
        if re.fullmatch(shape, value, re.ASCII):
            try:
                return Fraction(int((datetime.strptime(value, form).replace(tzinfo=UTC)).timestamp()))
            except ValueError:
                return None
    return None


def all_strings(value):
    """All strings in plain data, not the names of members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from all_strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from all_strings(item)


# Requests that can exist

PART = r"[A-Za-z0-9_+=,.@-]+"
SERVICE = r"[a-z0-9][a-z0-9.-]*\.amazonaws\.com"
TEXT = r"[ -~]+"
ORGANIZATION = r"o-[a-z0-9]{10,32}"
PATH = ORGANIZATION + r"/r-[a-z0-9]{4,32}/(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}/)*"
CARRIED = {
    "kms:encryptioncontextkeys": [*SYMMETRIC, "CreateGrant"],
    "kms:grantisforawsresource": ["CreateGrant"],
    "kms:grantoperations": ["CreateGrant"],
    "kms:granteeprincipal": ["CreateGrant"],
    "kms:retiringprincipal": ["CreateGrant"],
    "kms:grantconstrainttype": ["CreateGrant"],
    "kms:encryptionalgorithm": SYMMETRIC,
    "kms:signingalgorithm": ["Sign", "Verify"],
    "kms:messagetype": ["Sign", "Verify"],
    "kms:macalgorithm": ["GenerateMac", "VerifyMac"],
    "kms:keyagreementalgorithm": ["DeriveSharedSecret"],
    "kms:datakeypairspec": ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"],
    "kms:reencryptonsamekey": ["ReEncryptFrom", "ReEncryptTo"],
    "kms:requestalias": [*USE, *SIGN],
    "kms:bypasspolicylockoutsafetycheck": ["PutKeyPolicy"],
    "kms:schedulekeydeletionpendingwindowindays": ["ScheduleKeyDeletion"],
    "kms:rotationperiodindays": ["EnableKeyRotation"],
    "kms:replicaregion": ["ReplicateKey"],
    "kms:primaryregion": ["UpdatePrimaryRegion"],
    "kms:expirationmodel": ["ImportKeyMaterial"],
}
ALWAYS_CARRIED = {
    "kms:grantisforawsresource",
    "kms:grantoperations",
    "kms:granteeprincipal",
    "kms:encryptionalgorithm",
    "kms:signingalgorithm",
    "kms:messagetype",
    "kms:macalgorithm",
    "kms:keyagreementalgorithm",
    "kms:datakeypairspec",
    "kms:reencryptonsamekey",
    "kms:schedulekeydeletionpendingwindowindays",
    "kms:replicaregion",
    "kms:primaryregion",
    "kms:expirationmodel",
}
PRIVATE = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
ONLY_SERVICES = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths", "aws:principalservicename")


def read_keys(document):
    """The condition keys that a document reads, in lower case."""
    out = set()
    for statement in listed(document["Statement"]):
        for operator, keys in (statement.get("Condition") or {}).items():
            variables = document.get("Version") == "2012-10-17" and re.search("string|arn", operator.lower())
            for key, values in keys.items():
                out.add(key.lower())
                for value in listed(values) if variables else ():
                    for inside in re.findall(r"\$\{([^}]*)\}", value) if isinstance(value, str) else ():
                        out.add(variable(inside)[0].lower())
    return {key for key in out if key_type(key, {"kind": "root"}) is not None}


def problems(request, policy):
    """What keeps a request, of which only the keys that the document reads are shown, from existing."""
    values, kind, operation = request["values"], request["kind"], request["operation"]
    read = read_keys(policy.document) | ({"aws:principalarn"} if kind == "role" else set())
    service = kind == "service"
    out = []

    def must(condition, what):
        if not condition:
            out.append(what)

    must(set(values) <= read, f"not read: {set(values) - read}")
    account = request["account"]
    must(re.fullmatch(r"[0-9]{12}", account), "account")
    prefix = f"arn:{policy.partition}:iam::{account}:"
    shapes = {
        "root": re.escape(prefix) + "root",
        "user": re.escape(prefix) + f"user/({PART}/)*{PART}",
        "role": re.escape(prefix) + f"role/({PART}/)*{PART}",
        "federated": re.escape(prefix.replace(":iam:", ":sts:")) + f"federated-user/{PART}",
        "service": SERVICE,
    }
    must(re.fullmatch(shapes[kind], request["arn"]), f"arn {request['arn']}")
    if kind == "role":
        name = request["arn"].rpartition("/")[2]
        must(
            re.fullmatch(re.escape(f"arn:{policy.partition}:sts::{account}:assumed-role/{name}/") + PART, request["session"]),
            "session",
        )

    def there(key, condition, value=None):
        """That a key that is read is there exactly where it has to be, with its value."""
        if key in read:
            must((key in values) == bool(condition), f"{key} there: {key in values}")
            if condition and value is not None and key in values:
                must(values[key] == value, f"{key} is {values[key]}, not {value}")

    def shape(key, regex):
        if key in values:
            for value in listed(values[key]):
                must(re.fullmatch(regex, value), f"{key}: {value!r}")

    for key, value in values.items():
        must(isinstance(value, list) == (key in SETS), f"set {key}")
        must(value not in ([], ""), f"empty {key}")
        if TYPES.get(key, "string") in ("string", "arn"):
            shape(key, TEXT)
        if TYPES.get(key) == "bool":
            shape(key, "true|false")
        if key.startswith(TAG):
            must(kind in ("user", "role", "federated"), "tag")
        if key.startswith(CONTEXT):
            must(operation in CARRIED["kms:encryptioncontextkeys"], "context")
        if key in CARRIED:
            must(operation in CARRIED[key], f"carried {key}")
    for key in ALWAYS_CARRIED & read:
        there(key, operation in CARRIED[key])
    if service:
        for key in ("aws:principalaccount", "kms:calleraccount"):
            there(key, True)
            strings = [s for statement in policy.statements for s in all_strings(statement)]
            mentioned = {a for s in strings for a in re.findall(r"(?<!\d)\d{12}(?!\d)", s)}
            must(values.get(key) not in {policy.account, *policy.trusted, *mentioned}, "service account")
            shape(key, "[0-9]{12}")
        both = {values[key] for key in ("aws:principalaccount", "kms:calleraccount") if key in values}
        must(len(both) < 2, "two accounts")
    else:
        there("aws:principalaccount", True, account)
        there("kms:calleraccount", True, account)
    there("aws:principalarn", not service, request["arn"])
    there("aws:principalisawsservice", True, "true" if service else "false")
    there("aws:principalservicename", service, request["arn"])
    there("aws:username", kind == "user", request["arn"].rpartition("/")[2])
    if not service:
        there(
            "aws:principaltype",
            True,
            {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser"}[kind],
        )
        for key in ONLY_SERVICES:
            must(key not in values, f"{key} of a caller")
    else:
        for key in (
            "aws:principalorgid",
            "aws:principalorgpaths",
            "aws:principaltype",
            "aws:multifactorauthpresent",
            "aws:multifactorauthage",
        ):
            must(key not in values, f"{key} of a service")
    if kind != "role":
        must("aws:sourceidentity" not in values, "source identity")
    else:
        there("aws:multifactorauthpresent", True)
    if {"aws:multifactorauthpresent", "aws:multifactorauthage"} <= read:
        must(("aws:multifactorauthage" in values) == (values.get("aws:multifactorauthpresent") == "true"), "mfa")
    for key, low, high in (
        ("aws:multifactorauthage", 0, 129600),
        ("kms:schedulekeydeletionpendingwindowindays", 7, 30),
        ("kms:rotationperiodindays", 90, 2560),
    ):
        if key in values:
            must(re.fullmatch("[0-9]+", values[key]) and low <= int(values[key]) <= high, key)
    # organizations
    for side in ("principal", "source"):
        id_, paths = values.get(f"aws:{side}orgid"), values.get(f"aws:{side}orgpaths")
        shape(f"aws:{side}orgid", ORGANIZATION)
        shape(f"aws:{side}orgpaths", PATH)
        if paths is not None:
            must(len(paths) == 1, "paths")
        if side == "principal" and {"aws:principalorgid", "aws:principalorgpaths"} <= read:
            must((id_ is None) == (paths is None), "org id and paths")
        if id_ is not None and paths is not None:
            must(paths[0].split("/")[0] == id_, "org of path")
        if account == policy.account and policy.organizations:
            first = policy.organizations[0]
            must(id_ in (None, first) and (paths is None or paths[0].split("/")[0] == first), "own organization")
            if side == "principal" and not service:
                there("aws:principalorgid", True, first)
                there("aws:principalorgpaths", True)
    # the way
    shape("kms:viaservice", SERVICE)
    for_aws = operation == "CreateGrant" and not service and values.get("kms:grantisforawsresource") == "true"
    via = values.get("aws:viaawsservice") == "true" or "kms:viaservice" in values or for_aws
    endpoint = any(key in values for key in ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"))
    must(not (via and endpoint), "two ways")
    must(not (service and (via or endpoint)), "way of a service")
    there("aws:viaawsservice", True, "true" if via else "false")
    there("kms:viaservice", via)
    for key in ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"):
        there(key, endpoint)
    must(not (endpoint and "aws:sourceip" in values), "address and endpoint")
    if "aws:sourceip" in read and "aws:sourceip" not in values:
        must(not service and not via, "no address")
    if "aws:sourceip" in values:
        address = ipaddress.ip_address(values["aws:sourceip"])
        must(not any(address in n for n in PRIVATE), "private")
        must(not ((service or via) and policy.in_named_range(values["aws:sourceip"])), "named range from elsewhere")
    there("aws:securetransport", True, "true")
    there("aws:useragent", True)
    there("aws:resourceaccount", True, policy.account)
    for key in ("aws:currenttime", "aws:epochtime"):
        there(key, True)
        shape(key, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        if key in values:
            must(0 <= instant(values[key]) <= 4102444800, "time")
    must(len({values[key] for key in ("aws:currenttime", "aws:epochtime") if key in values}) < 2, "two times")
    if operation == "CreateGrant" and not service:
        known = via or {"aws:viaawsservice", "kms:viaservice"} & read or endpoint
        if known:
            there("kms:grantisforawsresource", True, "true" if via else "false")
    # for whom a service calls
    if "aws:sourceaccount" in values:
        must(values["aws:sourceaccount"] == account, "source account")
    for key, value in values.items():
        name = key.removeprefix(CONTEXT)
        if key == "aws:sourcearn" or (key.startswith(CONTEXT) and service and name.startswith("aws:") and name.endswith("arn")):
            found = re.fullmatch(rf"arn:{policy.partition}:[a-z0-9-]+:[a-z0-9-]*:({account})?:({TEXT})", value)
            must(found and not any(re.fullmatch("[0-9]{12}", p) for p in found[2].split(":")), f"{key}: {value}")
    # the encryption context
    if "kms:encryptioncontextkeys" in read and operation in CARRIED["kms:encryptioncontextkeys"]:
        names = {n.lower() for n in values.get("kms:encryptioncontextkeys", [])}
        for key in read:
            if key.startswith(CONTEXT):
                must((key in values) == (key.removeprefix(CONTEXT) in names), f"{key} among the keys")
    return out
