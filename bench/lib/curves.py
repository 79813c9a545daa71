# SPDX-License-Identifier: MIT
"""Curves in SVG: what a request costs as something grows, a panel each."""

import report

PANEL = 290     # pixels, each way
MARGIN = 46
TOP_RATIO = 2.0  # where a panel ends; a flat curve lies in its middle


def height(ratio):
    return MARGIN + (PANEL - 2 * MARGIN) * (1 - min(ratio, TOP_RATIO) / TOP_RATIO)


def panel(name, points, left, parts):
    """One curve, relative to the smallest size; sizes at even distances."""
    first = points[0][1]
    step = (PANEL - 2 * MARGIN) / max(1, len(points) - 1)
    spots = [(left + MARGIN + i * step, height(cost / first))
             for i, (_, cost) in enumerate(points)]
    parts.append(report.text_at(left + PANEL / 2, 20, name, "middle", 14))
    for ratio in (0, 1, TOP_RATIO):
        y = height(ratio)
        parts.append(f'<path d="M{left + MARGIN} {y:.0f}h{PANEL - 2 * MARGIN}" '
                     'stroke="#ccc"/>')
        parts.append(report.text_at(left + MARGIN - 6, y + 4, f"{ratio:g}", "end", 11))
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in spots)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#0b6e4f" '
                 'stroke-width="2"/>')
    for (x, y), (size, cost) in zip(spots, points):
        parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="#0b6e4f"/>')
        parts.append(report.text_at(x, y - 8, report.figure(cost), "middle", 11))
        parts.append(report.text_at(x, PANEL - 26, f"{size:,}", "middle", 11))


def plot(curves):
    """Of name: [(size, us)]."""
    parts = [report.text_at(10, PANEL - 4, "CPU time of a small request, us; the height "
                            "is relative to the smallest size", size=12)]
    for i, (name, points) in enumerate(curves.items()):
        panel(name, points, i * PANEL, parts)
    width = PANEL * len(curves)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{PANEL}" '
            f'font-family="sans-serif" fill="#222"><rect width="{width}" '
            f'height="{PANEL}" fill="#fff"/>' + "\n".join(parts) + "</svg>\n")
