import Evaluation

/// A result, the one that it is compared with, and how they differ.
struct ComparedResults {
    let result: EvaluationResult
    let compared: EvaluationResult
    let paired: PairedComparison

    /// Compares two results.
    /// - Throws: `EvaluationError` when they are not of the same seeds.
    init(_ result: EvaluationResult, _ compared: EvaluationResult) throws {
        self.result = result
        self.compared = compared
        paired = try PairedComparison(result, compared)
    }
}

extension ComparedResults: CustomStringConvertible {
    var description: String { "\(ResultTable([result, compared]))\n\(paired.verdict)" }
}

extension ComparedResults: Encodable {
    private enum CodingKeys: String, CodingKey {
        case compared
        case comparison
        case verdict
    }

    /// Adds three keys to those of the result alone, so that a program need not know of the comparison.
    func encode(to encoder: any Encoder) throws {
        try result.encode(to: encoder)
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(compared, forKey: .compared)
        try fields.encode(paired, forKey: .comparison)
        try fields.encode(paired.verdict, forKey: .verdict)
    }
}
