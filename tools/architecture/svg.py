"""The few shapes that the picture is made of. Colours follow the reader's light or dark setting."""

from __future__ import annotations

from html import escape

STYLE = """
text{fill:#1d2530}.small{fill:#556070;font-size:10.5px}.bold{font-weight:600}.tiny{fill:#556070;font-size:10px}
.page{fill:#fff}.stack{fill:#f4f6f9;stroke:#8a94a6}.box{fill:#fff;stroke:#5b6577}.choice{fill:#eaf1fb;stroke:#3f6fb0}
.bills{fill:#fff4dd;stroke:#b7791f}.flow{stroke:#5b6577;fill:none;stroke-width:1.4}.flow-end{fill:#5b6577}
.wake{stroke:#2c7a4b;fill:none;stroke-width:1.6}.wake-end{fill:#2c7a4b}text.wake-text{fill:#2c7a4b;font-size:10.5px}
.stop{stroke:#b3261e;fill:none;stroke-width:1.6;stroke-dasharray:5 3}.stop-end{fill:#b3261e}
text.stop-text{fill:#b3261e;font-size:10.5px}
@media (prefers-color-scheme:dark){text{fill:#e6eaf0}.small,.tiny{fill:#a9b4c2}.page{fill:#14181f}
.stack{fill:#1c222c;stroke:#4a5568}.box{fill:#252d39;stroke:#718096}.choice{fill:#1f3048;stroke:#6f9fdd}
.bills{fill:#40320f;stroke:#d69e2e}.flow{stroke:#a3adbb}.flow-end{fill:#a3adbb}.wake{stroke:#6fcf97}.wake-end{fill:#6fcf97}
text.wake-text{fill:#6fcf97}.stop{stroke:#ff8a80}.stop-end{fill:#ff8a80}text.stop-text{fill:#ff8a80}}
"""


class Canvas:
    """Shapes in the order in which they are put; coordinates in pixels from the upper left."""

    def __init__(self) -> None:
        self._shapes: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, *, style: str, radius: int = 6) -> None:
        """A rectangle."""
        self._shapes.append(
            f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'
        )

    def text(self, x: int, y: int, words: str, *, style: str = "", anchor: str = "start") -> None:
        """One line; `y` is its base line."""
        marked = f' class="{style}"' if style else ""
        placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._shapes.append(f'<text{marked} x="{x}" y="{y}"{placed}>{escape(words, quote=False)}</text>')

    def line(self, *points: tuple[int, int], style: str, arrow: bool = True) -> None:
        """A line through the points, with an arrow's head at the last."""
        (x, y), *others = points
        path = f"M{x} {y}" + "".join(f"L{a} {b}" for a, b in others)
        end = f' marker-end="url(#{style})"' if arrow else ""
        self._shapes.append(f'<path class="{style}" d="{path}"{end}/>')

    def document(self, width: int, height: int, *, title: str, description: str) -> str:
        """The whole SVG."""
        heads = "".join(
            f'<marker id="{style}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
            f' orient="auto"><path class="{style}-end" d="M0 0L8 4L0 8z"/></marker>'
            for style in ("flow", "wake", "stop")
        )
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
                ' font-family="system-ui, sans-serif" font-size="12.5"',
                ' role="img" aria-labelledby="title desc">',
                f'<title id="title">{escape(title)}</title>',
                f'<desc id="desc">{escape(description)}</desc>',
                f"<style>{STYLE}</style>",
                f"<defs>{heads}</defs>",
                f'<rect class="page" width="{width}" height="{height}"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )
