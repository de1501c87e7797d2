import DPBase
import DPDatasets
import DPEvaluation
import DPInterface
import Foundation

/// A scaling study as a Markdown page with tables and plots.
struct ScalingReport {
    let curves: [ScalingStudy.Curve]
    /// The recipe, the machine and the date.
    let heading: String

    /// Writes `scaling.md`, `scaling.json`, and a plot of time and one of memory for each axis.
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

    /// The measured quantity.
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
            # Scaling

            \(heading)

            Time is the median of the repetitions. Memory is the peak of the process, including the program itself \
            and the demonstrations. An exponent is the slope of a straight line fitted to the logarithms: 1 is \
            proportional, 0 is independent. A knee is given where two lines fit much better than one.

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
    /// The expected growth and its cause.
    fileprivate var explanation: String {
        switch self {
        case .batch:
            """
            A training step has a constant part: it packs the weights, and AdamW and EMA stream nine vectors of the \
            weights' size, for any batch size. Below the knee this part dominates; above it the matrix products do, \
            and time grows with the batch. A pass has no such knee: the 16 time steps of a single sequence already \
            keep the multipliers busy, so time grows with the batch almost from the start. Memory grows with the \
            activations for the backward pass, once they exceed the weights and the optimizer state.
            """
        case .horizon:
            """
            Convolutions cost the same at every time step, so matrix products grow in proportion to the horizon. A \
            pass at batch 1 grows faster from 128 time steps on: up to 32 rows it runs on skinny GEMM kernels, which \
            read each weight once; above that it runs on blocked GEMM kernels, whose tiles combine several items at \
            one time step and are not filled by a single long sequence.
            """
        case .width:
            """
            Weights and operations both grow with the square of the width, so a pass at batch 1, which is \
            memory-bound, and a training step, which is compute-bound, should have the same exponent. An exponent \
            below 2 comes from parts that grow linearly with the width: normalization, activations, and the \
            projections of the observation. If the weights exceed the last-level cache, a pass is limited by memory \
            bandwidth.
            """
        case .denoisingSteps:
            """
            Every denoising step costs the same. The rest of a chunk, such as the projections of the observation, is \
            computed once.
            """
        case .dataset:
            """
            A training step reads the same number of windows for any dataset size, and windows are views of one copy \
            of the frames, so only cache hits change. Preparation time and memory are proportional to the number of \
            frames once the frames outweigh the program, weights and optimizer state.
            """
        case .threads:
            """
            Matrix products parallelize well. The assembly of small pieces and memory bandwidth, which the threads \
            share, do not.
            """
        }
    }
}
