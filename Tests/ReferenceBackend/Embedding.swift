import DPGraph
import Foundation

/// Embeddings of diffusion steps and of table rows.
enum Embedding {
    /// Sines, then cosines, of `step · 10000^(−i / (dimension/2 − 1))`.
    static func sinusoidal(of steps: HostTensor, dimension: Int) -> HostTensor {
        let half = dimension / 2
        var result = HostTensor(zeros: [steps.shape[0], dimension])
        for (row, step) in steps.values.enumerated() {
            for index in 0..<half {
                let angle = step * pow(10_000, -Double(index) / Double(half - 1))
                result[row, index] = sin(angle)
                result[row, half + index] = cos(angle)
            }
        }
        return result
    }

    /// Returns the rows of a table at the given indices.
    static func rows(at indices: HostTensor, in table: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: [indices.shape[0], table.shape[1]])
        for (row, index) in indices.values.enumerated() {
            precondition(
                index >= 0 && index < Double(table.shape[0]),
                "expected an index below \(table.shape[0]), found \(index)")
            for column in 0..<table.shape[1] { result[row, column] = table[Int(index), column] }
        }
        return result
    }
}
