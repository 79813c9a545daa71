# SPDX-License-Identifier: MIT
"""The results for people: a table in Markdown, and bars in SVG."""

import datetime
import pathlib
import re
import xml.sax.saxutils

REFERENCE = "nginx"
COLOURS = ("#0b6e4f", "#6fb98f", "#6c757d", "#9d8189", "#c9ada7", "#8d99ae", "#d5bdaf")


def processor():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    return re.search(r"^model name\s*: (.*)$", text, re.M).group(1)


def heading(servers, options, cpus, kernel):
    versions = ", ".join(f"{server.name} {server.version()}" for server in servers)
    return (f"{datetime.date.today()}, {cpus} CPUs ({processor()}), Linux {kernel}; "
            f"{options.rounds} rounds of {options.seconds} s. {versions}.\n\n")


def figure(value):
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def verdict(row, server, cost, ratio):
    bar = row.bar.get(server)
    value = ratio if row.to_nginx else cost
    if bar is None or value is None:
        return ""
    return f"{bar:.2f}: {'met' if value <= bar else 'missed'}"


def table(results, servers):
    """One line for each server and kind of work."""
    lines = ["| work | server | cost: median (least to most) | ratio to nginx | bar "
             "| rate /s | p50 us | p99 us |", "|---|---|---:|---:|---|---:|---:|---:|"]
    for row, found in results.items():
        name = f"{row.name}, {row.unit}"
        comparable = row.to_nginx and REFERENCE in found
        reference = found[REFERENCE][0].cost if comparable else 0
        for server in servers:
            if server.name not in found:
                continue
            middle, least, most = found[server.name]
            ratio = middle.cost / reference if reference else None
            cells = [name, server.name,
                     f"{figure(middle.cost)} ({figure(least)} to {figure(most)})",
                     f"{ratio:.2f}" if ratio is not None else "",
                     verdict(row, server.name, middle.cost, ratio),
                     *(figure(value) if value else ""
                       for value in (middle.rate, middle.p50_us, middle.p99_us))]
            lines.append("| " + " | ".join(cells) + " |")
            name = ""
    return "\n".join(lines) + "\n"


def text_at(x, y, words, anchor="start", size=12):
    return (f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">'
            f"{xml.sax.saxutils.escape(words)}</text>")


def group(row, found, servers, top, parts):
    """The bars of one kind of work, as long as the cost is to that of nginx."""
    reference = found[REFERENCE][0].cost
    parts.append(text_at(10, top + 14, f"{row.name} ({row.unit})", size=13))
    y = top + 20
    for server, colour in zip(servers, COLOURS):
        if server.name not in found:
            continue
        ratio = found[server.name][0].cost / reference
        width = min(ratio, 3) * 180
        parts.append(f'<rect x="130" y="{y}" width="{width:.0f}" height="13" '
                     f'fill="{colour}"/>')
        parts.append(text_at(124, y + 11, server.name, "end", 11))
        parts.append(text_at(136 + width, y + 11, f"{ratio:.2f}  "
                             f"({figure(found[server.name][0].cost)})", size=11))
        y += 16
    return y + 12


def plot(results, servers):
    """Cost next to nginx's: shorter is better; bars end at three times."""
    parts, y = [text_at(10, 20, "Cost of a unit of work, nginx = 1 (shorter is better)",
                        size=15)], 34
    for row, found in results.items():
        if row.to_nginx and REFERENCE in found:
            y = group(row, found, servers, y, parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{y}" '
            f'font-family="sans-serif" fill="#222"><rect width="800" height="{y}" '
            'fill="#fff"/>' + "\n".join(parts) + "</svg>\n")
