"""The character encodings that textencodebase64 and textdecodebase64 know, by the names that IANA gives them.

See https://developer.hashicorp.com/terraform/language/functions/textencodebase64; the names are those that Terraform 1.11.4
takes out of IANA's registry, https://www.iana.org/assignments/character-sets/character-sets.xhtml.
"""

from __future__ import annotations

_NAMES = """
ascii: ansi_x3.4-1968 ansi_x3.4-1986 cp367 csascii ibm367 iso-ir-6 iso646-us iso_646.irv:1991 us us-ascii
big5hkscs: big5 csbig5
cp037: cp037 csibm037 ebcdic-cp-ca ebcdic-cp-nl ebcdic-cp-us ebcdic-cp-wt ibm037
cp1140: ccsid01140 cp01140 ebcdic-us-37+euro ibm01140
cp1250: cswindows1250 windows-1250
cp1251: windows-1251
cp1252: cswindows1252 windows-1252
cp1253: windows-1253
cp1254: windows-1254
cp1255: windows-1255
cp1256: windows-1256
cp1257: windows-1257
cp1258: windows-1258
cp437: 437 cp437 cspc8codepage437 ibm437
cp850: 850 cp850 cspc850multilingual ibm850
cp852: 852 cp852 cspcp852 ibm852
cp855: 855 cp855 csibm855 ibm855
cp858: ccsid00858 cp00858 ibm00858 pc-multilingual-850+euro
cp860: 860 cp860 csibm860 ibm860
cp862: 862 cp862 cspc862latinhebrew ibm862
cp863: 863 cp863 csibm863 ibm863
cp865: 865 cp865 csibm865 ibm865
cp866: 866 cp866 csibm866 ibm866
cp874: windows-874
cp932: csshiftjis ms_kanji shift_jis
cp949: cseuckr euc-kr
euc_jp: cseucpkdfmtjapanese euc-jp extended_unix_code_packed_format_for_japanese
gb18030: gb18030
gbk: cp936 gbk ms936 windows-936
hz: hz-gb-2312
iso2022_jp: csiso2022jp iso-2022-jp
iso8859-1: cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso_8859-1 iso_8859-1:1987 l1 latin1
iso8859-10: csisolatin6 iso-8859-10 iso-ir-157 l6 latin6
iso8859-13: iso-8859-13
iso8859-14: iso-8859-14 iso-celtic iso-ir-199 l8 latin8
iso8859-15: iso-8859-15 latin-9
iso8859-16: iso-8859-16 iso-ir-226 l10 latin10
iso8859-2: csisolatin2 iso-8859-2 iso-ir-101 l2 latin2
iso8859-3: csisolatin3 iso-8859-3 iso-ir-109 l3 latin3
iso8859-4: csisolatin4 iso-8859-4 iso-ir-110 l4 latin4
iso8859-5: csisolatincyrillic cyrillic iso-8859-5 iso-ir-144
iso8859-6: arabic asmo-708 csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127
iso8859-7: csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126
iso8859-8: csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-8859-8-i iso-ir-138
iso8859-9: csisolatin5 iso-8859-9 iso-ir-148 l5 latin5
koi8-r: cskoi8r koi8-r
koi8-u: koi8-u
mac_roman: csmacintosh mac macintosh
utf-16: csutf16 utf-16
utf-16-be: utf-16be
utf-16-le: utf-16le
utf-8: csutf8 utf-8
"""
"""Python's name of an encoding, and the names that Terraform knows it by."""


def _table() -> dict[str, str]:
    out: dict[str, str] = {}
    codec = ""
    for line in _NAMES.splitlines():
        head, mark, rest = line.partition(": ")
        if mark and not line.startswith(" "):
            codec, line = head, rest  # noqa: PLW2901
        out |= dict.fromkeys(line.split(), codec)
    return out


CODECS = _table()
"""Python's name of the encoding that a name in lower case stands for."""
UNKNOWN_HERE = frozenset({"ibm1047"})
"""Names that Terraform knows, of encodings that Python does not have."""
