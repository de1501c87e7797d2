import DPGraph

/// Schedule coefficients selected for each item of a batch.
struct Coefficients {
    private let values: Tensor

    /// Selects the rows of a table at `[b]` indices.
    init(in builder: GraphBuilder, at indices: Tensor, rows: [[Double]]) {
        let table = builder.constant(rows.joined().map(Float.init), [rows.count, rows[0].count])
        values = table.rows(at: indices)
    }

    /// Returns one column, `[b, 1, 1]`, as a factor of `[b, time, channel]`.
    subscript(column: Int) -> Tensor {
        values.slice(axis: 1, column..<column + 1).reshaped(to: [values.shape[0], 1, 1])
    }

    /// Returns one column, `[b]`.
    func vector(_ column: Int) -> Tensor {
        values.slice(axis: 1, column..<column + 1).reshaped(to: [values.shape[0]])
    }
}
