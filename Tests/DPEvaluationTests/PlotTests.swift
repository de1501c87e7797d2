import Foundation
import Testing

@testable import DPEvaluation

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Charts")
struct PlotTests {
    @Test("Ticks are round numbers inside the range")
    func linearTicks() {
        func ticks(_ range: ClosedRange<Double>) -> [String] {
            Axis(scale: .linear, range: range).ticks(about: 5).map(tickLabel)
        }
        #expect(ticks(0...1) == ["0", "0.2", "0.4", "0.6", "0.8", "1"])
        #expect(ticks(0...8000) == ["0", "2000", "4000", "6000", "8000"])
        #expect(ticks(-3...26) == ["0", "10", "20"])
        #expect(ticks(0...1e-4) == ["0", "2·10⁻⁵", "4·10⁻⁵", "6·10⁻⁵", "8·10⁻⁵", "10⁻⁴"])
        #expect(ticks(0...2_000_000) == ["0", "500k", "1M", "1.5M", "2M"])
    }

    @Test("A linear axis extends to zero only when it is near")
    func nearZero() {
        #expect(Axis(scale: .linear, showing: [2, 8000]).range == 0...8000)
        #expect(Axis(scale: .linear, showing: [1000, 8000]).range == 0...8000)
        #expect(Axis(scale: .linear, showing: [4000, 8000]).range == 4000...8000)
        #expect(Axis(scale: .logarithmic, showing: [2, 8000]).range == 2...8000)
    }

    @Test("Logarithmic ticks are powers of ten, with 2 and 5 between few")
    func logarithmicTicks() {
        func ticks(_ range: ClosedRange<Double>) -> [Double] { Axis(scale: .logarithmic, range: range).ticks(about: 5) }
        #expect(ticks(0.03...0.6).map(tickLabel) == ["0.05", "0.1", "0.2", "0.5"])
        #expect(ticks(1...1e5).map(tickLabel) == ["1", "10", "100", "1000", "10k", "100k"])
        #expect(ticks(1e-50...1e50).count <= 8)
    }

    @Test(
        "Any values give a chart with finite coordinates, quickly",
        arguments: [
            [Double](), [.nan], [1], [2, 2, 2], [0, 0], [-1, 0, 1], [.infinity, 1, -.infinity, 2, .nan, 3],
            [1e308, -1e308, 5], [1e15, 1e15 + 1e-1], [.leastNonzeroMagnitude, 1], [1e-99, 1e99],
        ] as [[Double]])
    func anyValues(values: [Double]) throws {
        for scale in [AxisScale.linear, .logarithmic] {
            let points = values.enumerated().map { SVGPlot.Point(x: Double($0), y: $1) }
            let flipped = points.map { SVGPlot.Point(x: $0.y, y: $0.x) }
            let series = [points, flipped].map { SVGPlot.Series(name: "a", points: $0) }
            let svg = SVGPlot(
                title: "t", horizontalLabel: "x", series: series, horizontalScale: scale, verticalScale: scale
            ).svg()
            #expect(!svg.contains("nan") && !svg.contains("inf"))
            #expect(XMLParser(data: Data(svg.utf8)).parse())
        }
    }

    @Test("The legend goes below a long title, in as many lines as it needs")
    func legend() throws {
        func lines(title: String, series count: Int) -> [String] {
            let series = (0..<count).map { SVGPlot.Series(name: "line number \($0)", points: [.init(x: 0, y: 1)]) }
            let svg = SVGPlot(title: title, horizontalLabel: "x", series: series).svg()
            return svg.matches(of: /y="([\d.]+)">(?:line number|title)/).map { String($0.1) }
        }
        #expect(lines(title: "title", series: 1) == ["20"])
        #expect(lines(title: "title", series: 2) == ["20", "20.0", "20.0"])
        let long = "title" + String(repeating: "s", count: 40)
        #expect(lines(title: long, series: 1) == ["20"])
        #expect(lines(title: long, series: 2) == ["20", "42.0", "42.0"])
        #expect(lines(title: "title", series: 5) == ["20", "42.0", "42.0", "42.0", "64.0", "64.0"])
    }

    @Test("A value that is not finite leaves a gap, and an isolated point is a dot")
    func gaps() {
        let points = [1, 2, Double.nan, 3, 4, .nan, 5].enumerated().map { SVGPlot.Point(x: Double($0), y: $1) }
        let svg = SVGPlot(title: "t", horizontalLabel: "x", series: [.init(name: "a", points: points)]).svg()
        let path = svg.split(separator: "<path d=\"")[1].prefix { $0 != "\"" }
        #expect(path.count { $0 == "M" } == 3 && path.count { $0 == "L" } == 2)
        let none = SVGPlot(title: "t", horizontalLabel: "x", series: []).svg()
        #expect(none.contains("no data"))
    }

    @Test("Malicious names are escaped")
    func hostile() {
        let attack = "</style><script>alert('1')</script>\"&\u{0}\u{8}]]>"
        let series = [1, 2].map { _ in SVGPlot.Series(name: attack, points: [.init(x: 0, y: 1)]) }
        let svg = SVGPlot(title: attack, horizontalLabel: attack, series: series).svg()
        #expect(!svg.contains("<script") && !svg.contains("\u{0}") && !svg.contains("\u{8}"))
        #expect(XMLParser(data: Data(svg.utf8)).parse())
    }

    @Test("A long run is thinned to means of neighbors, a short one is not")
    func thinning() {
        let long = (0..<10_000).map { SVGPlot.Point(x: Double($0), y: Double($0 % 2)) }
        let thin = LearningCurves.thinned(long)
        #expect(thin.count == 500)
        #expect(thin[0] == SVGPlot.Point(x: 9.5, y: 0.5))
        #expect(LearningCurves.thinned(Array(long.prefix(500))).count == 500)
        #expect(LearningCurves.thinned([]).isEmpty)
    }
}
