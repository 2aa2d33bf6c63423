"""Suppressions: comments, metadata and the configuration; which findings they cover, and which of them are themselves wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from kmsguard.model.declaration import Comment, Declaration, Unit
from kmsguard.model.finding import Judgement, RuleInfo, Suppression
from kmsguard.model.resource import Resource
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value
from kmsguard.scan.config import is_date
from kmsguard.scan.paths import address_matches
from kmsguard.scan.settings import AddressSuppression

OURS = "kmsguard"
MARKERS = ("kmsguard:ignore", "checkov:skip=")


class Mark(msgspec.Struct, frozen=True, order=True):
    """One rule in one suppression, as it is written."""

    place: Span
    code: str  # a code or name of ours, or an id of the tool; empty where none is named
    tool: str = OURS
    reason: str = ""
    until: str = ""
    external: bool = False  # stands in the configuration

    def covers(self, rule: RuleInfo) -> bool:
        """Whether it is about a rule."""
        return self.code in (rule.code, rule.name) if self.tool == OURS else self.code in rule.covers.get(self.tool, ())

    def ended(self, today: str) -> bool:
        """Whether its last day is over."""
        return bool(self.until) and (not is_date(self.until) or self.until < today)

    def holds(self, today: str) -> bool:
        """Whether it suppresses anything at all."""
        return (bool(self.reason) or self.tool != OURS) and not self.ended(today)

    def suppression(self) -> Suppression:
        """How it stands in the report."""
        reason = self.reason or f"{self.tool} skips {self.code} here"
        return Suppression("external" if self.external else "inSource", reason, self.place, self.until or None)


class Leftover(msgspec.Struct, frozen=True):
    """A suppression that is itself wrong."""

    code: str  # of the rule about it: KG001, KG002, KG003
    mark: Mark
    message: str
    unit: str
    resource: Resource | None = None


# --- what is written ----------------------------------------------------------------------------------------------------------

_OURS = r"kmsguard:ignore\[(?P<codes>[^\]\n]*)\][ \t:]*(?P<reason>[^\n]*)"
_BARE = r"[#/*\s]*(?P<mark>kmsguard:ignore(?!\[)[^\n]*)"  # names no rule; prose may speak of suppressions further on
_CHECKOV = r"checkov:skip=(?P<code>[A-Za-z0-9_]+)(?::(?P<reason>[^\n]*))?"
_UNTIL = r"(?P<code>[^\s]*)\s*(?:until\s+(?P<until>\S+))?"


def marks_of_comment(comment: Comment) -> list[Mark]:
    """The suppressions in a comment."""
    if not any(marker in comment.text for marker in MARKERS):
        return []
    text = comment.text.removesuffix("*/") if comment.text.startswith("/*") else comment.text
    marks: list[Mark] = []
    for match in re.finditer(_OURS, text):
        reason = match["reason"].strip()
        items = [re.fullmatch(_UNTIL, item.strip()) for item in match["codes"].split(",")]
        ends = [item["until"] or "" if item is not None else "" for item in items]
        for at, item in enumerate(items):
            # one end behind the last code is the end of all
            end = ends[at] or ("" if any(ends[:-1]) else ends[-1])
            code = item["code"] if item is not None else ""
            marks.append(Mark(_within(comment, match.start(), match.end()), code, OURS, reason, end))
    bare = re.match(_BARE, text)
    if bare is not None:
        marks.append(Mark(_within(comment, bare.start("mark"), bare.end("mark")), ""))
    for match in re.finditer(_CHECKOV, text):
        place = _within(comment, match.start(), match.end())
        marks.append(Mark(place, match["code"], "checkov", (match["reason"] or "").strip()))
    return marks


def _within(comment: Comment, start: int, end: int) -> Span:
    """The place of a part of a comment."""
    source = Source(comment.span.file, comment.text)
    part = source.span(start, end)
    line, shift = comment.span.start_line - 1, comment.span.start_column - 1
    return Span(
        part.file,
        part.start_line + line,
        part.start_column + (shift if part.start_line == 1 else 0),
        part.end_line + line,
        part.end_column + (shift if part.end_line == 1 else 0),
    )


def marks_of_metadata(metadata: Value | None, declaration: Declaration) -> list[Mark]:
    """The suppressions in a resource's `Metadata`, or in the `//` of a `.tf.json` block."""
    if metadata is None:
        return []
    if isinstance(metadata.data, str):
        return marks_of_comment(Comment(metadata.data, metadata.where or declaration.head))
    lists = (  # where it stands, the tool, and the names of id, reason and end
        (("kmsguard", "ignore"), OURS, "code", "reason"),
        (("checkov", "skip"), "checkov", "id", "comment"),
        (("cfn_nag", "rules_to_suppress"), "cfn_nag", "id", "reason"),
    )
    marks = []
    for path, tool, code, reason in lists:
        value: Value | None = metadata
        for name in path:
            value = value.members.get(name) if value is not None else None
        for item in value.items if value is not None else ():
            texts = {name: member.text or "" for name, member in item.members.items()}
            place = item.where or (value.where if value is not None else None) or declaration.head
            until = texts.get("until", "") if tool == OURS else ""
            marks.append(Mark(place, texts.get(code, ""), tool, texts.get(reason, "").strip(), until))
    return marks


def mark_of_configuration(entry: AddressSuppression) -> Mark:
    """A suppression of the configuration file."""
    place = entry.place or Span("", 1, 1, 1, 1)
    return Mark(place, entry.code, OURS, entry.reason.strip(), entry.until or "", external=True)


# --- what it covers -----------------------------------------------------------------------------------------------------------


class _Attached(msgspec.Struct, frozen=True):
    """A mark on a declaration, and what of it is meant: all, or what stands inside a place."""

    mark: Mark
    scope: Span | None = None


class Suppressions:
    """All suppressions of a scan. Asked for every judgement, it learns which of them suppress something."""

    def __init__(
        self,
        units: Iterable[Unit],
        configured: tuple[AddressSuppression, ...],
        today: str,
        stands_for: Callable[[str, RuleInfo], bool],
    ) -> None:
        self._today = today
        self._stands_for = stands_for
        self._configured = [(mark_of_configuration(entry), entry) for entry in configured]
        self._on: dict[int, list[_Attached]] = {}  # by the identity of the declaration
        self._lines: dict[tuple[str, int], list[Mark]] = {}  # by the line that a comment speaks of
        self._all: dict[Mark, str] = {}  # every mark of ours, and the unit that it was met in first
        self._used: set[Mark] = set()
        self._tried: dict[Mark, Resource] = {}  # a resource on which the rule was run
        for unit in units:
            self._learn(unit)
        for mark, _ in self._configured:
            self._all.setdefault(mark, "")

    @property
    def any(self) -> bool:
        """Whether there is any suppression at all."""
        return bool(self._on or self._lines or self._configured)

    def _learn(self, unit: Unit) -> None:
        for file, comments in unit.comments.items():
            for comment in comments:
                marks = marks_of_comment(comment)
                if marks:
                    line = _line_meant(comment, unit.sources.get(file))
                    known = self._lines.setdefault((file, line), [])
                    known.extend(mark for mark in marks if mark not in known)
                    self._note(marks, unit)
        for declaration in unit.declarations:
            attached = list(_attached(declaration, unit))
            if attached:
                self._on[id(declaration)] = attached
                self._note((a.mark for a in attached), unit)

    def _note(self, marks: Iterable[Mark], unit: Unit) -> None:
        for mark in marks:
            if mark.tool == OURS:
                self._all.setdefault(mark, unit.path)

    def of(self, judgement: Judgement, location: Span, places: Iterable[Span]) -> Suppression | None:
        """What suppresses a judgement, if anything does. `places` are all places that took part."""
        found: Suppression | None = None
        for mark, meant in self._candidates(judgement, location, tuple(places)):
            self._tried.setdefault(mark, judgement.resource)
            if meant and judgement.verdict != "pass":
                self._used.add(mark)
                if found is None and mark.holds(self._today):
                    found = mark.suppression()
        return found

    def _candidates(self, judgement: Judgement, location: Span, places: tuple[Span, ...]) -> Iterator[tuple[Mark, bool]]:
        """Marks about the rule and the resource, and whether they mean this judgement."""
        rule = judgement.rule
        if self._on:
            for declaration in judgement.resource.declarations:
                for attached in self._on.get(id(declaration), ()):
                    if attached.mark.covers(rule):
                        scope = attached.scope
                        yield attached.mark, scope is None or any(_inside(place, scope) for place in (location, *places))
        if self._lines:
            for mark in self._lines.get((location.file, location.start_line), ()):
                if mark.covers(rule):
                    yield mark, True
        for mark, entry in self._configured:
            if self._stands_for(entry.code, rule) and address_matches(entry.address, judgement.resource.address):
                yield mark, True

    def leftovers(self, known: Callable[[str], bool]) -> list[Leftover]:
        """Our suppressions that have no reason, have ended, or suppress nothing."""
        out: list[Leftover] = []
        for mark, unit in sorted(self._all.items(), key=lambda item: item[0]):
            resource = self._tried.get(mark)
            at = resource.unit if resource is not None else unit
            rule = mark.code or "a rule"
            if not mark.code:
                message = "this suppression names no rule: write kmsguard:ignore[CODE] and why"
                out.append(Leftover("KG001", mark, message, at, resource))
            elif not mark.reason:
                message = f"the suppression of {rule} has no reason, so it suppresses nothing: write why behind it"
                out.append(Leftover("KG003", mark, message, at, resource))
            elif mark.until and not is_date(mark.until):
                message = f"the suppression of {rule} ends on no day that there is (YYYY-MM-DD), so it suppresses nothing"
                out.append(Leftover("KG002", mark, message, at, resource))
            elif mark.ended(self._today):
                message = f"the suppression of {rule} ended on {mark.until}"
                out.append(Leftover("KG002", mark, message, at, resource))
            elif mark not in self._used and resource is not None:
                message = f"the suppression of {rule} suppresses nothing: the rule has nothing against {resource.address} here"
                out.append(Leftover("KG001", mark, message, at, resource))
            elif mark not in self._used and mark.code.startswith("KG") and not known(mark.code):
                out.append(Leftover("KG001", mark, f"the suppression of {rule} suppresses nothing: there is no such rule", at))
        return out


def _attached(declaration: Declaration, unit: Unit) -> Iterator[_Attached]:
    for comment in declaration.comments:
        marks = marks_of_comment(comment)
        if marks:
            scope = _scope(comment, declaration, unit.sources.get(comment.span.file))
            yield from (_Attached(mark, scope) for mark in marks)
    for call in declaration.calls:
        for comment in call.comments:
            yield from (_Attached(mark) for mark in marks_of_comment(comment))
    yield from (_Attached(mark) for mark in marks_of_metadata(declaration.metadata, declaration))


def _scope(comment: Comment, declaration: Declaration, source: Source | None) -> Span | None:
    """What a comment on a declaration means: behind an argument or nested block just that, anywhere else all of it."""
    line = comment.span.start_line
    head, block = declaration.head, declaration.span
    if (
        not comment.span.within(block)
        or head.start_line <= line <= head.end_line
        or line == block.end_line
        or _alone(comment, source)
    ):
        return None
    places = [v.place for v in declaration.body.walk() if v.place is not None and v.place.file == block.file]
    starting = [place for place in places if place.start_line == line]
    ending = [place for place in places if place.end_line == line]
    if starting:
        return max(starting, key=lambda place: (place.end_line, place.end_column, -place.start_column))
    return min(ending, key=lambda place: (place.start_line, place.start_column)) if ending else None


def _alone(comment: Comment, source: Source | None) -> bool:
    """Whether nothing stands before a comment on its line."""
    return source is not None and not source.line(comment.span.start_line)[: comment.span.start_column - 1].strip()


def _line_meant(comment: Comment, source: Source | None) -> int:
    """The line that a comment speaks of: its own, or the next that is not a comment where it stands alone."""
    line = comment.span.start_line
    if source is None or not _alone(comment, source):
        return line
    line = comment.span.end_line + 1
    while source.line(line).lstrip().startswith(("#", "//")):
        line += 1
    return line


def _inside(place: Span, scope: Span) -> bool:
    return place.within(scope)
