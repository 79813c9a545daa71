# SPDX-License-Identifier: MIT
"""A strict reader of Prometheus' text format, version 0.0.4: what a scraper may rely on,
it asserts."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
HELP = re.compile(rf"# HELP ({NAME}) ((?:[^\\\n]|\\[\\n])*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN")
SERIES = ("_bucket", "_sum", "_count")


def unescape(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)


class Metric:
    def __init__(self, name, about):
        self.name = name
        self.about = about
        self.kind = None
        self.samples = {}  # (series, labels as a sorted tuple of pairs): value

    def check_histograms(self):
        groups = {}
        for (series, labels), value in self.samples.items():
            rest = tuple(pair for pair in labels if pair[0] != "le")
            groups.setdefault(rest, {}).setdefault(series, []).append((labels, value))
        for series in groups.values():
            assert set(series) == {self.name + end for end in SERIES}
            buckets = series[self.name + "_bucket"]
            bounds = [float(dict(labels)["le"]) for labels, _ in buckets]
            counts = [value for _, value in buckets]
            assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf")
            assert counts == sorted(counts)
            assert [counts[-1]] == [value for _, value in series[self.name + "_count"]]


def read(text):
    """The metrics by their names."""
    assert text.endswith("\n")
    metrics = {}
    last = None
    for line in text[:-1].split("\n"):
        if found := HELP.fullmatch(line):
            assert found[1] not in metrics, f"{found[1]} comes twice"
            last = metrics[found[1]] = Metric(found[1], unescape(found[2]))
        elif found := TYPE.fullmatch(line):
            assert found[1] == last.name and last.kind is None and not last.samples
            last.kind = found[2]
        else:
            found = SAMPLE.fullmatch(line)
            assert found, f"not a line of the format: {line!r}"
            name, labels, value = found[1], found[2], found[found.re.groups]
            assert last.kind is not None and NUMBER.fullmatch(value), line
            ends = SERIES if last.kind == "histogram" else ("",)
            assert name in [last.name + end for end in ends], f"{name} is out of place"
            pairs = tuple((k, unescape(v)) for k, v in re.findall(LABEL, labels or ""))
            assert len(dict(pairs)) == len(pairs), line
            key = name, tuple(sorted(pairs))
            assert key not in last.samples, f"{line} is there twice"
            last.samples[key] = float(value)
            if last.kind == "counter":
                assert float(value) >= 0
    for metric in metrics.values():
        assert metric.kind is not None
        if metric.kind == "histogram":
            metric.check_histograms()
    return metrics
