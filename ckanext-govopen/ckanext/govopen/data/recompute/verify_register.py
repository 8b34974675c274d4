#!/usr/bin/env python3
"""Verifies a register from its public chain. 由公开的链条文件核验一份清单。

Needs Python 3.8 or later and nothing else; shares no code with the platform that made the file.
只需 Python 3.8 以上，不需其他软件；与产生数据的平台没有共用代码。

    python3 verify_register.py CHAIN.jsonl [--head POSITION:HASH] [--json]

CHAIN.jsonl is the download of /registers/ID/chain.jsonl: one JSON object a line, in the order of
the register's log, with position, public, public_hash, private_hash, prev_hash and hash.
    public_hash = SHA-256 of the bytes of `public` (UTF-8)
    hash        = SHA-256 of prev_hash + public_hash + private_hash (hex digits one after the other)
    prev_hash   = hash of the row before; empty for the first
`public` is null for a row that is not public (in review, returned or hidden): its hashes still hold
the chain together. What is private was hashed with a salt and cannot be guessed from private_hash;
it can be erased and the chain still holds.
CHAIN.jsonl 是 /registers/ID/chain.jsonl 的下载文件：每行一个 JSON 对象，按清单日志的次序。
未公开的行（审查中、退回或隐藏）public 为 null，其哈希仍使链条连续；
非公开内容加盐后才计算哈希，无法由 private_hash 猜出，删除后链条仍然成立。

--head compares with a head noted down earlier: a history that was rewritten whole, every hash
computed anew, has other hashes. Each run prints the head to note down.
--head 与以前记下的“位置:哈希”比较，可发现连同哈希一起整体重写的历史；每次核验都会输出链头供记录。

Exit code 返回码: 0 holds 成立 · 1 broken, the first position is named 不成立，指出首个位置 ·
2 wrong use or unreadable file 用法错误或文件不可读。
"""

import argparse
import base64
import hashlib
import json
import re
import sys

HEX = re.compile(r"[0-9a-f]{64}")
KEYS = ("position", "public", "public_hash", "private_hash", "prev_hash", "hash")


class UnreadableError(Exception):
    """The file is not what the usage asks for."""


class BrokenError(Exception):
    """A row is not what its hashes, or the rows before it, say."""

    def __init__(self, position, entry, reason):
        super().__init__(reason)
        self.position, self.entry, self.reason = position, entry, reason


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read_lines(path):
    """Yields (line number, row) of the file."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise UnreadableError(f"line 第 {number} 行: {error}") from error
            if not isinstance(row, dict) or any(key not in row for key in KEYS):
                raise UnreadableError(f"line 第 {number} 行: lacks one of 缺少 {', '.join(KEYS)}")
            yield number, row


def public_bytes(row):
    """The bytes that were hashed; None for a row that is not public."""
    if row.get("public_base64") is not None:
        return base64.b64decode(row["public_base64"])
    return None if row["public"] is None else row["public"].encode("utf-8")


def told_of(data):
    """What the bytes say, or nothing where they are no JSON any more."""
    try:
        told = json.loads(data)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def check(row, position, head):
    """What the row says, once its bytes and its place in the chain are as its hashes say."""
    data = public_bytes(row)
    told = told_of(data) if data is not None else {}
    entry = told.get("entry")
    if row["position"] != position:
        raise BrokenError(position, entry, f"position {row['position']} stands here 位置不连续")
    for key in ("public_hash", "private_hash", "hash"):
        if not (isinstance(row[key], str) and HEX.fullmatch(row[key])):
            raise BrokenError(position, entry, f"{key} is no hash 不是哈希")
    if data is not None and sha256(data) != row["public_hash"]:
        raise BrokenError(position, entry, "the public bytes were changed 公开内容被改动")
    if row["prev_hash"] != head:
        raise BrokenError(position, entry, "does not follow the row before it 与上一行不衔接")
    chained = row["prev_hash"] + row["public_hash"] + row["private_hash"]
    if sha256(chained.encode("ascii")) != row["hash"]:
        raise BrokenError(position, entry, "the row was changed 该行被改动")
    if data is not None and told.get("position") != position:
        raise BrokenError(position, entry, "the bytes name another position 内容记载的位置不同")
    return told


def verify(path):
    """Every row in its order.

    Returns:
        {rows, shown, head, register}, and what each public row says by its position.
    """
    head, position, shown, registers, told_by = "", 0, 0, set(), {}
    for _, row in read_lines(path):
        position += 1
        told = check(row, position, head)
        head = row["hash"]
        told_by[position] = (told, head)
        if told:
            shown += 1
            registers.add(told.get("register"))
    if len(registers) > 1:
        raise BrokenError(1, None, "rows of several registers 含有多份清单的行")
    if not position:
        raise UnreadableError("no row 没有行")
    register = registers.pop() if registers else None
    return {"register": register, "rows": position, "shown": shown, "head": head}, told_by


def compare_head(told_by, expected):
    """A head noted down earlier is still the hash of its row."""
    position, _, digest = expected.partition(":")
    if not position.isdigit() or not HEX.fullmatch(digest):
        raise UnreadableError("--head POSITION:HASH")
    found = told_by.get(int(position))
    if found is None:
        raise BrokenError(int(position), None, "the chain ends before that row 链条在此之前结束")
    if found[1] != digest:
        raise BrokenError(int(position), None, "the history was written anew 历史被重写")


def arguments(given):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chain", metavar="CHAIN.jsonl")
    parser.add_argument("--head", metavar="POSITION:HASH")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(given)


def main(given=None):
    asked = arguments(given)
    try:
        found, told_by = verify(asked.chain)
        if asked.head:
            compare_head(told_by, asked.head)
    except BrokenError as error:
        found = {"position": error.position, "entry": error.entry, "reason": error.reason}
        say(asked.json, {"holds": False, **found})
        return 1
    except (UnreadableError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    say(asked.json, {"holds": True, **found})
    return 0


def say(as_json, found):
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    elif found["holds"]:
        sys.stdout.write(
            f"holds 成立: register 清单 {found['register']}, {found['rows']} rows 行, "
            f"{found['shown']} public 公开, head 链头 {found['rows']}:{found['head']}\n"
        )
    else:
        sys.stdout.write(
            f"broken 不成立: position 位置 {found['position']}, entry 条目 {found['entry']}: "
            f"{found['reason']}\n"
        )


if __name__ == "__main__":
    sys.exit(main())
