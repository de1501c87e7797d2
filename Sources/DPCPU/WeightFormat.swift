/// How a policy's weights are stored where reading them takes most of the time.
package enum WeightFormat: String, CaseIterable, Codable, Sendable {
    /// In the precision of the products.
    case native
    /// In 8 bits with one factor for each output; used in graphs without gradients.
    ///
    /// A weight is rounded to a multiple of the largest weight of its output divided by 127. The other operand of
    /// the product stays in the precision of the products.
    case int8
}
