import Foundation
import Testing

@testable import DPPlay

/// Checks that the page's colors are distinguishable, by the contrast of WCAG 2.2.
@Suite struct PageColorTests {
    /// The colors of each theme: light, dark by the system's setting, dark by choice.
    private static func themes() throws -> [[String: String]] {
        let style = String(decoding: try #require(PageFile.all["/style.css"]).bytes, as: UTF8.self)
        return style.matches(of: /:root[^{]*\{([^}]*)\}/).map { block in
            let colors = block.1.matches(of: /--([a-z-]+): (#[0-9a-f]{6});/).map { (String($0.1), String($0.2)) }
            return Dictionary(uniqueKeysWithValues: colors)
        }
    }

    /// The contrast of two colors, 1 … 21 (WCAG 2.2, definitions of contrast ratio and relative luminance).
    private static func contrast(_ first: String, _ second: String) throws -> Double {
        let (one, other) = (try luminance(first), try luminance(second))
        return (max(one, other) + 0.05) / (min(one, other) + 0.05)
    }

    private static func luminance(_ color: String) throws -> Double {
        let number = try #require(Int(color.dropFirst(), radix: 16))
        let linear = [16, 8, 0].map { shift in
            let value = Double(number >> shift & 0xff) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    private func expect(_ least: Double, of foregrounds: [String], on backgrounds: [String]) throws {
        for theme in try Self.themes() {
            for front in foregrounds {
                for back in backgrounds {
                    let contrast = try Self.contrast(try #require(theme[front]), try #require(theme[back]))
                    #expect(contrast >= least, "\(front) on \(back)")
                }
            }
        }
    }

    @Test func textCanBeRead() throws {
        try expect(4.5, of: ["text", "soft", "bad"], on: ["ground", "card"])
        try expect(4.5, of: ["accent-text"], on: ["accent"])
    }

    @Test func plansAndPlotsStandOut() throws {
        try expect(3, of: ["scene-plan", "scene-sample"], on: ["scene-ground", "scene-goal", "scene-block"])
        try expect(3, of: ["scene-agent-edge", "scene-block-edge"], on: ["scene-ground", "scene-block"])
        try expect(3, of: ["plot-score", "plot-rate", "plot-latency"], on: ["card"])
        try expect(3, of: ["focus"], on: ["ground", "card", "scene-ground"])
        try expect(3, of: ["good", "bad"], on: ["ground"])
    }

    @Test func bothDarkThemesHaveTheSameColors() throws {
        let themes = try Self.themes()
        #expect(themes.count == 3 && themes[1] == themes[2])
    }
}
