import TensorGraph

/// Numbers of a schedule looked up for each item of a batch.
struct Coefficients {
    private let values: Tensor

    /// The rows of a table at `[b]` indices.
    init(in builder: GraphBuilder, at indices: Tensor, rows: [[Double]]) {
        let table = builder.constant(rows.joined().map(Float.init), [rows.count, rows[0].count])
        values = table.rows(at: indices)
    }

    /// One column, `[b, 1, 1]`: a factor of `[b, time, channel]`.
    subscript(column: Int) -> Tensor {
        values.slice(axis: 1, column..<column + 1).reshaped(to: [values.shape[0], 1, 1])
    }

    /// One column, `[b]`.
    func vector(_ column: Int) -> Tensor {
        values.slice(axis: 1, column..<column + 1).reshaped(to: [values.shape[0]])
    }
}
