/// The flat vectors of training, which all share one table of ranges.
package struct TrainingState: Sendable {
    /// The weights.
    package let parameters: any DeviceBuffer
    /// Their gradients.
    package let gradients: any DeviceBuffer
    /// The moving mean of the gradients.
    package let firstMoment: any DeviceBuffer
    /// The moving mean of the squared gradients.
    package let secondMoment: any DeviceBuffer
    /// The EMA (exponential moving average) of the weights.
    package let average: any DeviceBuffer

    /// Creates vectors of zeros for a table.
    /// - Throws: when there is not enough memory.
    package init(on backend: any Backend, table: ParameterTable) throws {
        parameters = try backend.makeBuffer(count: table.count)
        gradients = try backend.makeBuffer(count: table.count)
        firstMoment = try backend.makeBuffer(count: table.count)
        secondMoment = try backend.makeBuffer(count: table.count)
        average = try backend.makeBuffer(count: table.count)
    }
}

/// The numbers of one AdamW update (Loshchilov & Hutter 2019) and of the EMA update that follows it.
///
/// With gradient g: `p ← p − lr·decay·p`, `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`, `average ← d·average + (1−d)·p`, in PyTorch's order.
package struct AdamWUpdate: Sendable, Equatable {
    /// The number of this update, from 1: the t of the bias correction.
    package var step: Int
    /// The learning rate of this update.
    package var learningRate: Double
    /// Decay of the first moment.
    package var beta1: Double
    /// Decay of the second moment.
    package var beta2: Double
    /// Keeps the quotient finite.
    package var epsilon: Double
    /// Decay of the weights, for ranges that decay.
    package var weightDecay: Double
    /// Factor of every gradient: less than 1 when the gradients are clipped.
    package var gradientScale: Double
    /// The fraction d of the old EMA in the new one.
    package var averageDecay: Double

    /// Creates the numbers of one update.
    package init(
        step: Int, learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
        gradientScale: Double, averageDecay: Double
    ) {
        self.step = step
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.gradientScale = gradientScale
        self.averageDecay = averageDecay
    }
}
