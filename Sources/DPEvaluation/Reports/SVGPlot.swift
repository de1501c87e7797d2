import Foundation

/// A small line chart as SVG: axes with round ticks, linear or logarithmic, any number of series and a legend.
///
/// The picture contains its own style and follows the reader's light or dark setting, inside a page or as a file.
package struct SVGPlot: Sendable, Equatable {
    /// A named line through points.
    package struct Series: Sendable, Equatable {
        /// The name in the legend.
        package var name: String
        /// The points in drawing order; the line has a gap where one is not finite.
        package var points: [Point]

        /// A named line through points.
        package init(name: String, points: [Point]) {
            self.name = name
            self.points = points
        }
    }

    /// A point of a line, in units of the axes.
    package struct Point: Sendable, Equatable {
        /// Horizontal value.
        package var x: Double
        /// Vertical value.
        package var y: Double

        /// A point of a line.
        package init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// The heading.
    package var title: String
    /// The label of the horizontal axis, with its unit.
    package var horizontalLabel: String
    /// The lines; the first six have different colors, and the next six the same with dashes.
    package var series: [Series]
    /// The horizontal axis.
    package var horizontalScale: AxisScale
    /// The vertical axis.
    package var verticalScale: AxisScale
    /// The horizontal values that are visible, or nil for those of the points.
    package var horizontalRange: ClosedRange<Double>?
    /// The vertical values that are visible, or nil for those of the points.
    package var verticalRange: ClosedRange<Double>?
    /// Width of the picture, in CSS pixels.
    package var width: Double = 520
    /// Height of the picture, in CSS pixels.
    package var height: Double = 300

    /// A chart of lines.
    package init(
        title: String, horizontalLabel: String, series: [Series], horizontalScale: AxisScale = .linear,
        verticalScale: AxisScale = .linear, horizontalRange: ClosedRange<Double>? = nil,
        verticalRange: ClosedRange<Double>? = nil
    ) {
        self.title = title
        self.horizontalLabel = horizontalLabel
        self.series = series
        self.horizontalScale = horizontalScale
        self.verticalScale = verticalScale
        self.horizontalRange = horizontalRange
        self.verticalRange = verticalRange
    }

    /// The chart as an `<svg>` element, which is also a whole SVG file.
    package func svg() -> String {
        let points = series.flatMap(\.points).filter { horizontalScale.shows($0.x) && verticalScale.shows($0.y) }
        func axis(_ scale: AxisScale, _ range: ClosedRange<Double>?, _ value: (Point) -> Double) -> Axis {
            range.map { Axis(scale: scale, range: $0) } ?? Axis(scale: scale, showing: points.map(value))
        }
        let horizontal = axis(horizontalScale, horizontalRange, \.x)
        let vertical = axis(verticalScale, verticalRange, \.y)
        let frame = Frame(
            width: width, height: height, headingLines: legendSharesLine ? 1 : 1 + legendLines.count,
            horizontal: horizontal, vertical: vertical)
        let content = points.isEmpty ? [noData] : series.enumerated().map { line($1, number: $0, in: frame) }
        return """
            <svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" \
            role="img" aria-label="\(escaped(title))">
            <style>\(Self.style)</style>
            <text class="title" x="\(number(frame.left))" y="20">\(escaped(title))</text>
            \((grid(in: frame) + content + [legend(in: frame)]).joined(separator: "\n"))
            </svg>
            """
    }

    private var noData: String {
        "<text class=\"tick\" text-anchor=\"middle\" x=\"\(number(width / 2))\" y=\"\(number(height / 2))\">no data</text>"
    }

    /// Grid lines with their values, and the horizontal axis' name.
    private func grid(in frame: Frame) -> [String] {
        let rows = frame.vertical.ticks(about: 5).map { tick in
            let y = number(frame.y(tick))
            return """
                <line class="grid" x1="\(number(frame.left))" x2="\(number(frame.right))" y1="\(y)" y2="\(y)"/>\
                <text class="tick" text-anchor="end" dy="0.32em" x="\(number(frame.left - 8))" y="\(y)">\
                \(tickLabel(tick))</text>
                """
        }
        let columns = frame.horizontal.ticks(about: 6).map { tick in
            let x = number(frame.x(tick))
            return """
                <line class="axis" x1="\(x)" x2="\(x)" y1="\(number(frame.bottom))" y2="\(number(frame.bottom + 4))"/>\
                <text class="tick" text-anchor="middle" x="\(x)" y="\(number(frame.bottom + 18))">\(tickLabel(tick))</text>
                """
        }
        let axis = """
            <line class="axis" x1="\(number(frame.left))" x2="\(number(frame.right))" \
            y1="\(number(frame.bottom))" y2="\(number(frame.bottom))"/>\
            <text class="tick" text-anchor="end" x="\(number(frame.right))" y="\(number(frame.bottom + 36))">\
            \(escaped(horizontalLabel))</text>
            """
        return rows + columns + [axis]
    }

    /// A series as a line with gaps; lone points and short series also get dots.
    private func line(_ series: Series, number index: Int, in frame: Frame) -> String {
        var path = ""
        var dots = ""
        var isDrawing = false
        let hasDots = series.points.count <= 40
        for (position, point) in series.points.enumerated() {
            guard frame.shows(point) else {
                isDrawing = false
                continue
            }
            let (x, y) = (number(frame.x(point.x)), number(frame.y(point.y)))
            path += "\(isDrawing ? "L" : "M")\(x) \(y)"
            let isLone =
                !isDrawing && (position + 1 == series.points.count || !frame.shows(series.points[position + 1]))
            if hasDots || isLone { dots += "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"2.6\"/>" }
            isDrawing = true
        }
        return "<g class=\"\(style(of: index))\"><path d=\"\(path)\"/>\(dots)</g>"
    }

    /// Each of the colors, then each with dashes.
    private func style(of index: Int) -> String { "series s\(index % 6)\(index % 12 < 6 ? "" : " dashed")" }

    /// The names of the series, above the lines at the right, when there is more than one.
    private func legend(in frame: Frame) -> String {
        let entries = legendLines.enumerated().flatMap { line, entries in
            let y = frame.top - 16 - Double(legendLines.count - 1 - line) * Frame.headingLine
            var x = frame.right
            return entries.reversed().map { index in
                x -= room(for: series[index])
                return """
                    <g class="\(style(of: index))"><path d="M\(number(x + 2)) \(number(y - 4))h14"/></g>\
                    <text class="tick" x="\(number(x + 21))" y="\(number(y))">\(escaped(series[index].name))</text>
                    """
            }
        }
        return entries.joined()
    }

    /// The series in each line of the legend: one line if it fits next to the title, otherwise as many as needed
    /// below it.
    private var legendLines: [[Int]] {
        if series.count < 2 { return [] }
        if legendSharesLine { return [Array(series.indices)] }
        var (lines, left) = ([[Int]](), 0.0)
        for index in series.indices {
            left -= room(for: series[index])
            if left < 0 || lines.isEmpty { (lines, left) = (lines + [[]], width - 80 - room(for: series[index])) }
            lines[lines.count - 1].append(index)
        }
        return lines
    }

    private var legendSharesLine: Bool {
        series.reduce(8.5 * Double(title.count) + 100) { $0 + room(for: $1) } <= width
    }

    /// The width of a series in the legend.
    private func room(for series: Series) -> Double { 7 * Double(series.name.count) + 30 }

    private static let style = """
        .plot{font:12px ui-sans-serif,system-ui,sans-serif;font-variant-numeric:tabular-nums}\
        .plot .title{font-size:14px;font-weight:600;fill:#1f2430}.plot .tick{fill:#667085}\
        .plot .grid{stroke:#e6e8ec}.plot .axis{stroke:#98a0ad}\
        .plot .series path{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}\
        .plot .dashed path{stroke-dasharray:5 4}\
        .plot .s0 path{stroke:#2563eb}.plot .s1 path{stroke:#ea580c}.plot .s2 path{stroke:#0d9488}\
        .plot .s3 path{stroke:#9333ea}.plot .s4 path{stroke:#b98900}.plot .s5 path{stroke:#dc2626}\
        .plot .s0 circle{fill:#2563eb}.plot .s1 circle{fill:#ea580c}.plot .s2 circle{fill:#0d9488}\
        .plot .s3 circle{fill:#9333ea}.plot .s4 circle{fill:#b98900}.plot .s5 circle{fill:#dc2626}\
        @media (prefers-color-scheme:dark){.plot .title{fill:#e8eaf0}.plot .tick{fill:#98a0ad}\
        .plot .grid{stroke:#2a2e37}.plot .axis{stroke:#667085}\
        .plot .s0 path{stroke:#6ea8fe}.plot .s1 path{stroke:#fb923c}.plot .s2 path{stroke:#2dd4bf}\
        .plot .s3 path{stroke:#c084fc}.plot .s4 path{stroke:#facc15}.plot .s5 path{stroke:#f87171}\
        .plot .s0 circle{fill:#6ea8fe}.plot .s1 circle{fill:#fb923c}.plot .s2 circle{fill:#2dd4bf}\
        .plot .s3 circle{fill:#c084fc}.plot .s4 circle{fill:#facc15}.plot .s5 circle{fill:#f87171}}
        """
}

/// The positions of the axes in the picture.
private struct Frame {
    /// The height of a line of the title and the legend.
    static let headingLine = 22.0

    let left = 58.0
    let right: Double
    let top: Double
    let bottom: Double
    let horizontal: Axis
    let vertical: Axis

    init(width: Double, height: Double, headingLines: Int, horizontal: Axis, vertical: Axis) {
        right = width - 16
        top = 14 + Self.headingLine * Double(headingLines)
        bottom = height - 46
        self.horizontal = horizontal
        self.vertical = vertical
    }

    // Values beyond a given range are drawn at its edge.
    func x(_ value: Double) -> Double { left + min(max(horizontal.position(of: value), 0), 1) * (right - left) }
    func y(_ value: Double) -> Double { bottom - min(max(vertical.position(of: value), 0), 1) * (bottom - top) }

    func shows(_ point: SVGPlot.Point) -> Bool {
        horizontal.scale.shows(point.x) && vertical.scale.shows(point.y)
    }
}

/// A coordinate with one decimal, which is a tenth of a pixel.
private func number(_ value: Double) -> String { String(format: "%.1f", value) }
