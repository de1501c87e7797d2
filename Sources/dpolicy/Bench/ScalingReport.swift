import Evaluation
import Foundation
import PolicyInterface
import TensorFiles

/// A study of growth as a page with tables, and pictures beside it.
struct ScalingReport {
    let curves: [ScalingStudy.Curve]
    /// What was measured, on what, when.
    let heading: String

    /// Writes `scaling.md`, `scaling.json` and a picture of time and one of memory for each axis.
    func write(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try AtomicFile.write(JSONEncoder.legible.encode(curves), to: folder.appendingPathComponent("scaling.json"))
        for axis in ScalingAxis.allCases {
            for quantity in Quantity.allCases {
                let file = folder.appendingPathComponent(quantity.file(of: axis))
                try AtomicFile.write(Data(plot(axis, quantity).svg().utf8), to: file)
            }
        }
        try AtomicFile.write(Data(markdown.utf8), to: folder.appendingPathComponent("scaling.md"))
    }

    /// What grows.
    private enum Quantity: String, CaseIterable {
        case time
        case memory

        func file(of axis: ScalingAxis) -> String { "scaling-\(axis.rawValue)-\(rawValue).svg" }

        var unit: String {
            switch self {
            case .time: "milliseconds"
            case .memory: "peak memory, MiB"
            }
        }

        func value(of point: ScalingStudy.Point) -> Double {
            switch self {
            case .time: point.milliseconds
            case .memory: point.peakMemory
            }
        }

        func growth(of curve: ScalingStudy.Curve) -> Growth? {
            Growth(fitting: curve.points.map { (Double($0.size), value(of: $0)) })
        }
    }

    private func plot(_ axis: ScalingAxis, _ quantity: Quantity) -> SVGPlot {
        SVGPlot(
            title: quantity.unit, horizontalLabel: axis.title,
            series: curves.filter { $0.axis == axis }.map { curve in
                SVGPlot.Series(
                    name: curve.name,
                    points: curve.points.map { SVGPlot.Point(x: Double($0.size), y: quantity.value(of: $0)) })
            }, horizontalScale: .logarithmic, verticalScale: .logarithmic)
    }

    private var markdown: String {
        let sections = ScalingAxis.allCases.map { axis in
            let pictures = Quantity.allCases.map { "![\($0.unit)](\($0.file(of: axis)))" }.joined(separator: "\n")
            let tables = curves.filter { $0.axis == axis }.map(table).joined(separator: "\n\n")
            return "## \(axis.title)\n\n\(pictures)\n\n\(axis.explanation)\n\n\(tables)"
        }
        return """
            # How cost grows

            \(heading)

            Time is the median of repetitions; memory is the most that the process had at once, the program itself and the demonstrations \
            included. An exponent is the slope of a straight line through the logarithms: 1 is proportional, 0 is independent. There is \
            a knee where two lines fit much better than one.

            \(sections.joined(separator: "\n\n"))

            """
    }

    private func table(_ curve: ScalingStudy.Curve) -> String {
        let prepares = curve.axis == .dataset
        let rows = curve.points.map { point in
            let times = String(format: "%.3f | %.0f", point.milliseconds, point.peakMemory)
            return "| \(point.size) | \(times) |" + (prepares ? String(format: " %.0f |", point.preparation ?? 0) : "")
        }
        let growths = Quantity.allCases.map { "\($0.rawValue): \(sentence(of: $0.growth(of: curve)))" }
        return """
            **\(curve.name)**: \(growths.joined(separator: "; ")).

            | size | ms | MiB |\(prepares ? " preparation, ms |" : "")
            |---|---|---|\(prepares ? "---|" : "")
            \(rows.joined(separator: "\n"))
            """
    }

    private func sentence(of growth: Growth?) -> String {
        guard let growth else { return "no exponent" }
        let overall = String(format: "exponent %.2f", growth.overall.exponent)
        guard let knee = growth.knee else { return overall }
        return overall
            + String(format: ", %.2f below and %.2f above %.3g", knee.below.exponent, knee.above.exponent, knee.size)
    }
}

extension ScalingAxis {
    /// What to expect and why.
    fileprivate var explanation: String {
        switch self {
        case .batch:
            """
            A training step has a constant part: weights are packed, and AdamW and the moving average pass over nine vectors of their size, \
            whatever the batch is. Up to the knee that is what takes the time; beyond it the products are, and time grows with the batch. A pass \
            has no such knee: the 16 times of one robot's sequence keep the multipliers busy already, so time follows the batch almost from \
            the start. Memory grows with the activations that the backward pass needs, once they outgrow the weights and the optimiser's state.
            """
        case .horizon:
            """
            Convolutions cost the same at every time, so products grow in proportion to the horizon. A pass at batch 1 grows faster from 128 \
            times on: up to 32 rows it runs on kernels that read each weight once, beyond on those of batches, whose tiles are made of \
            several items at one time and which a single long sequence does not fill.
            """
        case .width:
            """
            Weights and operations both grow with the square of the width, so a pass at batch 1, which waits for weights, and a training \
            step, which waits for products, should have the same exponent. What is below 2 is the part that grows with the width alone: \
            normalisation, activations, and the projections of the observation. Where the weights outgrow the last cache, a pass slows \
            down to the speed of memory.
            """
        case .denoisingSteps:
            """
            Every denoising step costs the same; what a chunk costs besides, such as the observation's projections, is computed once.
            """
        case .dataset:
            """
            A training step reads as many windows whatever the number is, and windows are views of one copy of the frames; only the \
            caches notice. Preparation and memory are proportional to the frames once they outweigh the program, weights and \
            optimiser.
            """
        case .threads:
            """
            Products divide well; what does not is the assembly of small pieces, and memory, which both threads share.
            """
        }
    }
}
