/// How a policy's weights lie in memory where reading them is what takes the time.
public enum WeightFormat: String, CaseIterable, Codable, Sendable {
    /// In the precision of the products.
    case native
    /// In 8 bits with one factor for each output, used in graphs without gradients.
    ///
    /// A weight is rounded to a multiple of the largest one of its output divided by 127; the operand that it meets stays in the precision of the products.
    case int8
}
