#!/usr/bin/env python3
"""explain_lines: which lines of an explanation nobody would miss. Usage: explain_lines.py EXPLANATION TRACE

Takes one line after the other out of the explanation, and compares what is left with the trace as explain_trace.py does. A
line without which the comparison finds nothing is printed, behind its stage; but not one of a path that was not there.
"""
import copy
import json
import re
import sys

import explain_calls
import explain_trace


def missed(document, calls):
    said = explain_trace.Said(document)
    for check in explain_trace.CLASSES:
        try:
            expected, made = check(said, copy.deepcopy(calls))
        except (KeyError, TypeError, IndexError):
            return True  # what a class cannot do without
        if expected != made:
            return True
    return False


def absent(line, calls):
    path = re.match(r"(/\S+): .*, if it exists", line["does"])
    return path and f"IN:{path[1]}" in calls.missing


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    with open(sys.argv[2], encoding="utf-8", errors="backslashreplace") as file:
        calls = explain_calls.Calls(file)
    count = 0
    for stage in document["stages"]:
        for line in list(stage["lines"]):
            at = stage["lines"].index(line)
            del stage["lines"][at]
            if not absent(line, calls) and not missed(document, calls):
                print(f"{stage['stage']}: {line['does']}")
            stage["lines"].insert(at, line)
            count += 1
    print(f"{count} lines")


main()
