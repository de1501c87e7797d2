/// The flat vectors that training changes, all with one table of ranges.
public struct TrainingState: Sendable {
    /// The weights.
    public let parameters: any DeviceBuffer
    /// Their gradients.
    public let gradients: any DeviceBuffer
    /// The moving mean of the gradients.
    public let firstMoment: any DeviceBuffer
    /// The moving mean of the squared gradients.
    public let secondMoment: any DeviceBuffer
    /// The moving average of the weights.
    public let average: any DeviceBuffer

    /// Vectors of zeros for a table.
    /// - Throws: when there is not enough memory.
    public init(on backend: any Backend, table: ParameterTable) throws {
        parameters = try backend.makeBuffer(count: table.count)
        gradients = try backend.makeBuffer(count: table.count)
        firstMoment = try backend.makeBuffer(count: table.count)
        secondMoment = try backend.makeBuffer(count: table.count)
        average = try backend.makeBuffer(count: table.count)
    }
}

/// The numbers of one AdamW update (Loshchilov & Hutter 2019) and of the moving average that follows it.
///
/// With gradient g: `p ← p − lr·decay·p`, `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`, `average ← d·average + (1−d)·p`, in the order of PyTorch.
public struct AdamWUpdate: Sendable, Equatable {
    /// Which update this is, from 1: the t of the bias correction.
    public var step: Int
    /// The learning rate of this update.
    public var learningRate: Double
    /// Decay of the first moment.
    public var beta1: Double
    /// Decay of the second moment.
    public var beta2: Double
    /// Keeps the quotient finite.
    public var epsilon: Double
    /// Decay of the weights, for ranges that decay.
    public var weightDecay: Double
    /// Factor of every gradient: less than 1 when the gradients are clipped.
    public var gradientScale: Double
    /// The share d of the old moving average.
    public var averageDecay: Double

    /// The numbers of one update.
    public init(
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
