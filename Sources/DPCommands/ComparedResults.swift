import DPEvaluation

/// Two evaluation results and their paired comparison.
struct ComparedResults {
    let result: EvaluationResult
    let compared: EvaluationResult
    let paired: PairedComparison

    /// Compares two results.
    /// - Throws: `EvaluationError` when their seeds differ.
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

    /// Adds three keys to those of a single result, so that programs that read single results keep working.
    func encode(to encoder: any Encoder) throws {
        try result.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(compared, forKey: .compared)
        try container.encode(paired, forKey: .comparison)
        try container.encode(paired.verdict, forKey: .verdict)
    }
}
