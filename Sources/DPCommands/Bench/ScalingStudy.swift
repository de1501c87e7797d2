import DPBase
import Foundation

/// Measures how time and memory scale.
///
/// Each size runs in its own process, because the peak memory of a process never decreases.
struct ScalingStudy {
    /// The measurement of one size.
    struct Point: Codable {
        let size: Int
        let milliseconds: Double
        let peakMemory: Double
        /// The time from demonstrations in memory to a trainer that is ready.
        let preparation: Double?

        enum CodingKeys: String, CodingKey {
            case size
            case milliseconds = "ms"
            case peakMemory = "peak_memory_mib"
            case preparation = "preparation_ms"
        }
    }

    /// A measured curve of an axis.
    struct Curve: Codable {
        let axis: ScalingAxis
        let name: String
        let points: [Point]
    }

    /// Arguments common to all sizes: the subject, threads, precision.
    let arguments: [String]
    /// The largest measured size; nil for all sizes.
    let largest: Int?
    let repetitions: Int?

    /// Measures all curves of all axes.
    /// - Throws: `InputError` when a measurement fails.
    func run() throws -> [Curve] {
        let line = ProgressLine()
        defer { line.finish() }
        let curves = ScalingAxis.allCases.flatMap { axis in
            axis.curves.map { (axis: axis, curve: $0, sizes: $0.sizes.filter { $0 <= largest ?? .max }) }
        }
        let total = curves.reduce(0) { $0 + $1.sizes.count }
        var done = 0
        return try curves.map { axis, curve, sizes in
            let points = try sizes.map { size in
                line.show(Double(done) / Double(total), "\(axis.title), \(curve.name): \(size)")
                done += 1
                return try Point(size: size, report: measure(curve.arguments(size)))
            }
            return Curve(axis: axis, name: curve.name, points: points)
        }
    }

    /// Runs a measurement in its own process.
    private func measure(_ work: [String]) throws -> BenchmarkReport {
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        let count = repetitions ?? (work.contains("training") ? 6 : 60)
        // The last of repeated options counts, so the arguments for the size come last.
        process.arguments = ["bench"] + arguments + ["--repetitions", "\(count)", "--json"] + work
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw InputError(
                at: "bench \(work.joined(separator: " "))", expected: "a measurement",
                found: "a process that ended with status \(process.terminationStatus)")
        }
        return try JSONDecoder().decode(BenchmarkReport.self, from: data)
    }
}

extension ScalingStudy.Point {
    fileprivate init(size: Int, report: BenchmarkReport) {
        let measurement = report.measurements[0]
        self.init(
            size: size, milliseconds: measurement.milliseconds.median, peakMemory: report.peakMemory ?? 0,
            preparation: measurement.details["preparation_ms"])
    }
}
