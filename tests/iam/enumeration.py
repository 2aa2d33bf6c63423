"""Requests that can exist, enumerated over the values that a document names, near misses of them, and fresh ones.

What a document does not tell apart is asked once: of the values of a part of the request those are left out that give each
condition the same truth as an earlier one. Where the product is still too large, a random part of it is asked.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from functools import cached_property
from itertools import product

from slow_evaluator import (
    ALWAYS_CARRIED,
    AUDIENCES,
    CARRIED,
    CLASSES,
    CONTEXT,
    NO,
    ORGANIZATION,
    PATH,
    SERVICE,
    TAG,
    TEXT,
    all_strings,
    instant,
    left_open,
    listed,
    network,
    numeric,
    read_keys,
    text,
    variable,
)

_CONTEXTS = 120  # encryption contexts of one sort
_NAMES = 12  # further names in one of them
FRESH = ("999999999999", "412345678901", "123456789666", "100000000000")
TYPES = {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser"}
OPERATIONS = {operation: name for name, operations in CLASSES.items() for operation in operations}
ADDRESSES = [
    "203.0.113.5",
    "203.0.113.200",
    "1.2.3.4",
    "8.8.8.8",
    "9.9.9.9",
    "200.1.1.1",
    "2001:db8::5",
    "2002::1",
    "150.1.1.1",
]


class Enumeration:
    """The requests of a document."""

    def __init__(self, policy, random, sorts=60, most=60):
        self.policy = policy
        self.random = random
        self.sorts = sorts  # callers, ways and operations together
        self.most = most  # requests of one of these
        self.read = read_keys(policy.document)
        self.tests = []  # (statement, operator, key, values)
        for statement in policy.statements:
            for operator, keys in (statement.get("Condition") or {}).items():
                self.tests.extend((statement, operator, key, values) for key, values in keys.items())
        strings = [s for statement in policy.statements for s in all_strings(statement)]
        self.strings = strings
        self.mentioned = sorted({a for s in strings for a in re.findall(r"(?<!\d)\d{12}(?!\d)", s)})
        self.linked = self._linked()
        # of patterns over two letters, every short word
        short = any(re.fullmatch(r"[ab*?]*[*?][ab*?]*", s) and re.search("[ab]", s) for s in strings)
        self.words = ["".join(letters) for many in (1, 2, 3) for letters in product("ab", repeat=many)] if short else []
        self._truths = {}
        self._kept = {}

    def bounds(self):
        """By class the widest audience that is possibly and certainly allowed, with requests; the truth of PutKeyPolicy."""
        found = {name: {1: (0, None), 2: (0, None)} for name in CLASSES}
        put = NO
        for request in self.requests():
            truth = self._decide(request)
            if not truth:
                continue
            if request["operation"] == "PutKeyPolicy" and request["kind"] != "service":
                put = max(put, truth)
            rank = AUDIENCES.index(self.policy.audience(request))
            best = found[OPERATIONS[request["operation"]]]
            for level in range(1, truth + 1):
                if rank > best[level][0]:
                    best[level] = (rank, request)
        return found, put

    def requests(self):
        """The requests."""
        sorts = []
        callers = list(self._callers())
        for operation in self._operations():
            allows = [s for s in self.allows() if self._action(s, operation)]
            for caller in callers:
                own = caller["account"] == self.policy.account and caller["kind"] != "service"
                if (own or OPERATIONS[operation] != "administer") and any(self._principal(s, caller) for s in allows):
                    ways = ("service",) if caller["kind"] == "service" else self._ways()
                    sorts.extend((caller, way, operation) for way in ways)
        if len(sorts) > self.sorts:
            sorts = self.random.sample(sorts, self.sorts)
        for caller, way, operation in sorts:
            yield from self._filled(caller, way, operation)

    def _ways(self):
        """The ways of a call, where the document tells them apart."""
        of_way = ("aws:viaawsservice", "kms:viaservice", "aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce")
        return ("direct", "via", "endpoint") if self.read & {*of_way, "kms:grantisforawsresource"} else ("direct",)

    def allows(self):
        """The Allow statements that are about the key."""
        return [s for s in self.policy.statements if s["Effect"] == "Allow" and self.policy.resource(s)]

    def _operations(self):
        """One operation of each sort that the document tells apart."""
        out = {}
        for operation, name in OPERATIONS.items():
            actions = tuple(self._action(s, operation) for s in self.policy.statements)
            carried = tuple(operation in CARRIED[k] for k in sorted(self.read) if k in CARRIED)
            context = operation in CARRIED["kms:encryptioncontextkeys"]
            put = operation == "PutKeyPolicy"
            out.setdefault((name, actions, carried, context, put), operation)
        return out.values()

    # Truths that are kept

    def _decide(self, request):
        """The decision of the slow evaluator, with tests that were asked before not asked again."""
        policy = self.policy
        truths = {"Allow": NO, "Deny": NO}
        for statement in policy.statements:
            action = self._action(statement, request["operation"])
            truth = action and min(action, self._resource(statement), self._principal(statement, request))
            for operator, keys in (statement.get("Condition") or {}).items() if truth else ():
                for key, values in keys.items():
                    truth = min(truth, self._test(operator, key, values, request))
            truths[statement["Effect"]] = max(truths[statement["Effect"]], truth)
        return min(truths["Allow"], 2 - truths["Deny"])

    def _action(self, statement, operation):
        key = (id(statement), operation)
        if key not in self._truths:
            self._truths[key] = self.policy.action(statement, {"operation": operation})
        return self._truths[key]

    def _resource(self, statement):
        key = id(statement)
        if key not in self._truths:
            self._truths[key] = self.policy.resource(statement)
        return self._truths[key]

    def _principal(self, statement, request):
        key = (id(statement), request["arn"], request["account"], request.get("session"))
        if key not in self._truths:
            self._truths[key] = self.policy.principal(statement, request)
        return self._truths[key]

    def _test(self, operator, key, values, request):
        held = request["values"].get(key.lower())
        service = request["kind"] == "service"
        variables = tuple(request["values"].get(k) for k in sorted(self.linked)) if self._reads(values) else ()
        kept = (id(values), operator, key, repr(held), service, repr(variables))
        if kept not in self._truths:
            self._truths[kept] = self.policy.test(operator, key, values, request)
        return self._truths[kept]

    def _reads(self, values):
        return any(isinstance(v, str) and "${" in v for v in listed(values))

    def _linked(self):
        """The keys that policy variables read, and those that are compared with them."""
        out = set()
        for _, _, key, values in self.tests:
            for value in listed(values):
                for inside in re.findall(r"\$\{([^}]*)\}", value) if isinstance(value, str) else ():
                    if inside not in ("*", "?", "$"):
                        out |= {key.lower(), variable(inside)[0].lower()}
        return out

    # Callers

    def _callers(self):
        policy = self.policy
        accounts = dict.fromkeys([policy.account, *policy.trusted, *self.mentioned, *FRESH])
        fresh = [a for a in accounts if a not in self.mentioned and a not in (policy.account, *policy.trusted)]
        seen = set()
        for account in accounts:
            for caller in self._of_account(account, fresh):
                kept = self._signature(caller)
                if kept not in seen:
                    seen.add(kept)
                    yield caller

    def _of_account(self, account, fresh):
        names = {"App", "alice", "x", "fed", "ax"}
        paths = {"", "team/"}
        for string in self.strings:
            found = re.search(r":(?:role|user|federated-user|assumed-role)/(.*)", string)
            if found:
                pieces = found[1].replace("*", "q").replace("?", "q").split("/")
                names |= {p for p in pieces if re.fullmatch(r"[A-Za-z0-9_+=,.@-]+", p)}
        names |= {t for t in self._texts("aws:username") if re.fullmatch(r"[A-Za-z0-9_+=,.@-]+", t)}
        for kind in ("root", "user", "role", "federated"):
            for name in sorted(names) if kind != "root" else [""]:
                for path in sorted(paths) if kind in ("user", "role") else [""]:
                    yield from self._caller(kind, account, path, name)
        for service in ("sns.amazonaws.com", "logs.us-east-1.amazonaws.com", "x.amazonaws.com", "s3.amazonaws.com"):
            yield from ({"kind": "service", "arn": service, "account": account, "shown": one} for one in fresh)

    def _caller(self, kind, account, path, name):
        partition = self.policy.partition
        arn = {
            "root": f"arn:{partition}:iam::{account}:root",
            "user": f"arn:{partition}:iam::{account}:user/{path}{name}",
            "role": f"arn:{partition}:iam::{account}:role/{path}{name}",
            "federated": f"arn:{partition}:sts::{account}:federated-user/{name}",
        }[kind]
        caller = {"kind": kind, "arn": arn, "account": account}
        if kind != "role":
            yield caller
            return
        for session in ("s1", "zz"):
            yield {**caller, "session": f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}"}

    def _signature(self, caller):
        """What the document can tell of a caller."""
        values = self._identity(caller)
        request = {**caller, "values": values, "operation": "Decrypt"}
        principals = tuple(self._principal(s, request) for s in self.policy.statements)
        tests = tuple(self._test(o, k, v, request) for _, o, k, v in self.tests if k.lower() in values)
        linked = tuple((k, values[k]) for k in sorted(self.linked) if k in values)
        named = caller["account"] == self.policy.account and self.policy.is_named(request)
        rank = self._place(caller["account"])
        keep = caller["account"] if rank in ("trusted", "external") else ""
        return (caller["kind"], principals, tests, linked, named, rank, keep, caller["account"] if self.linked else "")

    def _place(self, account):
        if account == self.policy.account:
            return "own"
        if account in self.policy.trusted:
            return "trusted"
        return "external" if account in self.mentioned else "public"

    def _identity(self, caller):
        """The keys that say who calls."""
        service = caller["kind"] == "service"
        account = caller["shown"] if service else caller["account"]
        values = {"aws:principalaccount": account, "kms:calleraccount": account}
        values["aws:principalisawsservice"] = "true" if service else "false"
        values["aws:securetransport"], values["aws:resourceaccount"] = "true", self.policy.account
        if service:
            return {**values, "aws:principalservicename": caller["arn"]}
        values["aws:principalarn"], values["aws:principaltype"] = caller["arn"], TYPES[caller["kind"]]
        if caller["kind"] == "user":
            values["aws:username"] = caller["arn"].rpartition("/")[2]
        return values

    # Parts of requests: lists of alternatives, each with its keys

    def _filled(self, caller, way, operation):
        identity = self._identity(caller)
        base = {**caller, "operation": operation, "way": way}
        parts = [self._distinct(part, base, identity) for part in self._parts(caller, way, operation, identity)]
        for one in self._combined(parts, self.most):
            values = dict(identity)
            for keys in one:
                values.update(keys)
            yield {**base, "values": values}

    def _distinct(self, part, base, identity):
        """The alternatives of a part that the document tells apart."""
        names = set().union(*part)
        tested = [(o, k, v) for _, o, k, v in self.tests if k.lower() in names]
        if not tested and not names & (self.linked | self.read | {"aws:principalorgid", "aws:sourceorgid"}):
            return part[:1]
        out = {}
        for keys in part:
            values = {**identity, **keys}
            request = {**base, "values": values}
            tests = tuple(self._test(o, k, v, request) for o, k, v in tested)
            linked = repr([keys.get(k) for k in sorted(self.linked)])
            network = "aws:viaawsservice" in keys and self._is_from_named_network(keys)
            organization = [values.get(f"aws:{side}org{what}") for side in ("principal", "source") for what in ("id", "paths")]
            shown = [v[0].split("/")[0] if isinstance(v, list) else v for v in organization if v]
            out.setdefault((tests, linked, network, shown[0] if shown else None), keys)
        return list(out.values())

    def _is_from_named_network(self, keys):
        kept = ("network", keys.get("aws:sourceip"), keys.get("aws:sourcevpc"), keys.get("aws:sourcevpce"))
        if kept not in self._truths:
            self._truths[kept] = self.policy.from_named_network(keys)
        return self._truths[kept]

    def _parts(self, caller, way, operation, identity):
        kind, account = caller["kind"], caller["account"]
        yield from self._organizations(caller)
        base = {**caller, "operation": operation, "way": way}
        if kind != "service":
            yield self._short(("mfa", kind == "role"), lambda: self._multi_factor(kind), base, identity)
        yield self._short(("network", way), lambda: list(self._network(way)), base, identity)
        yield self._short("times", self._times, base, identity)
        for key in sorted(self.read):
            if key.startswith(TAG) and kind in ("user", "role", "federated"):
                yield self._optional(key, identity)
        if kind == "role" and "aws:sourceidentity" in self.read:
            yield self._optional("aws:sourceidentity", identity)
        if "aws:useragent" in self.read:
            yield [{"aws:useragent": t} for t in self._texts("aws:useragent", identity)]
        if "aws:referer" in self.read:
            yield self._optional("aws:referer", identity)
        if kind == "service":
            yield [{}, {"aws:sourceaccount": account}]
            yield [{}, *({"aws:sourcearn": a} for a in self._arns("aws:sourcearn", account))]
        yield from self._asked(caller, way, operation, identity)

    def _short(self, name, make, base, identity):
        """The alternatives of a part that the document tells apart; kept where they do not hang on the caller."""
        if name not in self._kept:
            part = make()
            short = self._distinct(part, base, identity)
            if not self.linked.isdisjoint(set().union(*part)):
                return short
            self._kept[name] = short
        return self._kept[name]

    def _multi_factor(self, kind):
        seconds, present = "aws:multifactorauthage", "aws:multifactorauthpresent"
        ages = [{present: "true", seconds: age} for age in self._numbers(0, 129600)]
        return [{present: "false"}, *ages, *([{}] if kind != "role" else [])]

    def _organizations(self, caller):
        side = "source" if caller["kind"] == "service" else "principal"
        names = [f"aws:{side}orgid", f"aws:{side}orgpaths"]
        texts = [t for s in self.strings for t in re.findall(ORGANIZATION, s)]
        found = dict.fromkeys([*self.policy.organizations, *texts, "o-abcdefghij", "o-1111111111"])
        if caller["account"] == self.policy.account and self.policy.organizations:
            found = dict.fromkeys(self.policy.organizations[:1])
            out = []
        else:
            out = [{}]
        for organization in found:
            ends = ["r-abcd/", "r-abcd/ou-abcd-12345678/", "r-zzzz/ou-zzzz-99999999/"]
            paths = [p for end in ends if re.fullmatch(PATH, p := f"{organization}/{end}")]
            if side == "source":
                out += [{names[0]: organization}, *({names[1]: [p]} for p in paths), {}]
            out += [{names[0]: organization, names[1]: [p]} for p in paths]
        yield out

    def _network(self, way):
        if way in ("service", "via"):
            common = {"aws:viaawsservice": "true" if way == "via" else "false"}
            services = [s for s in [*self._texts("kms:viaservice"), "x.amazonaws.com"] if re.fullmatch(SERVICE, s)]
            for address in self._addresses():
                if not self._is_from_named_network({"aws:sourceip": address}):
                    for service in services if way == "via" else [None]:
                        yield {**common, "aws:sourceip": address, **({"kms:viaservice": service} if service else {})}
        elif way == "direct":
            for address in self._addresses():
                yield {"aws:viaawsservice": "false", "aws:sourceip": address}
        else:
            addresses = [*self._addresses(), "10.1.2.3", "192.168.7.7"]
            for vpc in self._read_texts("aws:sourcevpc"):
                for endpoint in self._read_texts("aws:sourcevpce"):
                    for address in addresses if "aws:vpcsourceip" in self.read else addresses[:1]:
                        yield {
                            "aws:viaawsservice": "false",
                            "aws:sourcevpc": vpc,
                            "aws:sourcevpce": endpoint,
                            "aws:vpcsourceip": address,
                        }

    def _read_texts(self, key):
        """Texts for a key; only one where the document does not read it."""
        return self._texts(key)[: None if key in self.read else 1]

    @cached_property
    def _all_addresses(self):
        out = list(ADDRESSES)
        for value in self.policy.tested("aws:sourceip", "aws:vpcsourceip"):
            range_ = network(value)
            if range_ is not None:
                out += [str(range_[0]), str(range_[-1])]
                out += [str(a) for a in (range_[-1] + 1 if int(range_[-1]) < 2**range_.max_prefixlen - 1 else range_[0],)]
        private = re.compile(r"10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.|f[cd]..:")
        return [a for a in dict.fromkeys(out) if not private.match(a)]

    def _addresses(self):
        """Public addresses; only one where the document does not read them."""
        return self._all_addresses[: None if {"aws:sourceip", "aws:vpcsourceip"} & self.read else 1]

    def _numbers(self, low, high):
        out = [low, low + 1, high]
        for _, _, _, values in self.tests:
            for value in listed(values):
                number = None if left_open(value) else numeric(text(value))
                if number is not None and abs(number) < 10**7:
                    out += [int(number) - 1, int(number), int(number) + 1]
        return [str(n) for n in dict.fromkeys(out) if low <= n <= high]

    def _times(self):
        out = [0, 4102444800, 1809399721]
        for _, _, key, values in self.tests:
            if key.lower() in ("aws:currenttime", "aws:epochtime"):
                for value in listed(values):
                    at = None if left_open(value) else instant(text(value))
                    if at is not None:
                        out += [int(at) - 1, int(at), int(at) + 1]
        texts = [datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for t in out if 0 <= t <= 4102444800]
        return [{"aws:currenttime": t, "aws:epochtime": t} for t in texts]

    def _asked(self, caller, way, operation, identity):
        for key in sorted(self.read):
            if key in CARRIED and operation in CARRIED[key] and key != "kms:encryptioncontextkeys":
                if key == "kms:grantoperations":
                    one = self._texts(key)
                    yield [{key: [t]} for t in one] + [{key: [a, b]} for a in one for b in one if a != b]
                elif key == "kms:grantisforawsresource":
                    flags = ["true", "false"] if caller["kind"] == "service" else ["true" if way == "via" else "false"]
                    yield [{key: flag} for flag in flags]
                elif key in ("kms:reencryptonsamekey", "kms:bypasspolicylockoutsafetycheck"):
                    yield [{key: "true"}, {key: "false"}, *([] if key in ALWAYS_CARRIED else [{}])]
                elif key == "kms:schedulekeydeletionpendingwindowindays":
                    yield [{key: n} for n in self._numbers(7, 30)]
                elif key == "kms:rotationperiodindays":
                    yield [{}, *({key: n} for n in self._numbers(90, 2560))]
                elif key in ALWAYS_CARRIED:
                    yield [{key: t} for t in self._texts(key, identity)]
                else:
                    yield self._optional(key, identity)
        if operation in CARRIED["kms:encryptioncontextkeys"]:
            yield list(self._contexts(caller, identity))

    def _contexts(self, caller, identity):
        """Encryption contexts: entries that are read, others by name."""
        entries = []
        for key in sorted(self.read):
            if key.startswith(CONTEXT):
                name = key.removeprefix(CONTEXT)
                if caller["kind"] == "service" and name.startswith("aws:") and name.endswith("arn"):
                    entries.append([{}, *({key: a} for a in self._arns(key, caller["account"]))])
                else:
                    entries.append(self._optional(key, identity))
        for chosen in self._combined(entries, _CONTEXTS):
            values = {k: v for one in chosen for k, v in one.items()}
            names = [k.removeprefix(CONTEXT) for k in values]
            spelled = [self._spellings(name) for name in names]
            read = {k.removeprefix(CONTEXT) for k in self.read if k.startswith(CONTEXT)}
            others = [t for t in self._read_texts("kms:encryptioncontextkeys") if t.lower() not in read]
            others = self.random.sample(others, min(len(others), _NAMES))
            for spelling in product(*spelled):
                for more in [[], *([t] for t in others), others[:2]]:
                    keys = [*spelling, *more]
                    yield {**values, **({"kms:encryptioncontextkeys": keys} if keys else {})}

    def _combined(self, parts, most):
        """All combinations of the alternatives of some parts; a random part of them where they are many."""
        if math.prod(map(len, parts)) <= most:
            return product(*parts)
        return (tuple(self.random.choice(part) for part in parts) for _ in range(most))

    def _spellings(self, name):
        """The ways to write the name of an entry that the document may tell apart."""
        if "kms:encryptioncontextkeys" not in self.read:
            return [name]
        written = [t for t in self._texts("kms:encryptioncontextkeys") if t.lower() == name]
        return list(dict.fromkeys([name, name.title(), name.upper(), *written]))

    def _optional(self, key, identity):
        return [{}, *({key: t} for t in self._texts(key, identity))]

    def _texts(self, key, identity=None):
        """Texts for a key: what it is tested against, wildcards filled, near misses, values of other keys, fresh ones."""
        out = ["x", "y", "b1", "X", "none", "alias/x", *self.words]
        for _, _, name, values in self.tests:
            if name.lower() != key and not (key in self.linked and name.lower() in self.linked):
                continue
            for value in listed(values):
                if isinstance(value, (str, int)) and "${" not in str(value):
                    for many, one in (("", "a"), ("q1", "q"), ("Y", "4")):
                        filled = text(value).replace("*", many).replace("?", one)
                        out += [filled, filled.swapcase(), filled + "x"]
                elif isinstance(value, str) and not left_open(value):
                    out += self._put_in(value, identity)
        if key in self.linked and identity:
            out += [v for v in identity.values() if isinstance(v, str)]
        return [t for t in dict.fromkeys(out) if re.fullmatch(TEXT, t)]

    def _put_in(self, value, identity):
        known = [v for k, v in (identity or {}).items() if k in self.linked]
        for held in [*known, *(v.swapcase() for v in known), "x", "b1", "*", "?", "a", "b"]:
            filled = re.sub(r"\$\{[*?$]\}", lambda m: m[0][2], value)
            yield re.sub(r"\$\{[^}]*\}", lambda _, held=held: held, filled).replace("*", "q").replace("?", "q")

    def _arns(self, key, account):
        partition = self.policy.partition
        out = [
            f"arn:{partition}:s3:::b",
            f"arn:{partition}:logs:us-east-1:{account}:x",
            f"arn:{partition}:sns:eu-west-1:{account}:t",
        ]
        out += self._texts(key)
        for text_ in self._texts(key):
            parts = text_.split(":", 5)
            if len(parts) == 6:
                for holder in (account, "", parts[4]):
                    out.append(":".join(["arn", partition, parts[2] or "sns", parts[3], holder, parts[5] or "t"]))
        for other in self.mentioned:
            out += [f"arn:{partition}:sns:us-east-1:{account}:{other}x", f"arn:{partition}:s3:::{other}-b"]
        shape = rf"arn:{partition}:[a-z0-9-]+:[a-z0-9-]*:({account})?:([ -~]+)"
        fits = [(a, re.fullmatch(shape, a)) for a in dict.fromkeys(out)]
        return [a for a, m in fits if m and not any(re.fullmatch("[0-9]{12}", p) for p in m[2].split(":"))]
