public import TensorGraph

/// The slow and obvious backend: an interpreter that computes a graph node by node, as its operations are defined.
///
/// Other backends are judged by it, so it computes in float64 and knows no fusion, layout or thread of its own: everything runs in the
/// thread of the caller. Only what crosses its border (buffers, inputs, outputs) is float32.
public final class ReferenceMachine: Backend {
    /// It rounds where a graph says so and nowhere else.
    public let precision = Precision.float32

    /// A machine without state.
    public init() {}

    /// A vector of zeros.
    public func makeBuffer(count: Int) -> any DeviceBuffer { ReferenceBuffer(count: count) }

    /// Prepares a graph for interpretation.
    /// - Precondition: the buffers are as long as the graph's table says.
    public func compile(
        _ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?
    ) -> any Executable {
        graph.checkVectors(parameters: parameters, gradients: gradients)
        return ReferenceExecutable(
            graph: graph, parameters: parameters, gradients: gradients)
    }

    /// The sum of the squares of a vector's elements.
    public func sumOfSquares(of buffer: any DeviceBuffer) -> Double {
        buffer.values().reduce(0) { $0 + Double($1) * Double($1) }
    }

    /// Adds `factor` times a vector to another.
    public func add(_ buffer: any DeviceBuffer, scaledBy factor: Float, to total: any DeviceBuffer) {
        precondition(buffer.count == total.count, "expected \(total.count) elements, found \(buffer.count)")
        total.write(zip(total.values(), buffer.values()).map { $0 + factor * $1 })
    }

    /// One update of the weights and their moving average.
    ///
    /// A range that is not trained keeps its weights, and its average is a copy of them, as in the reference implementation's `EMAModel`.
    public func update(_ state: TrainingState, table: ParameterTable, with update: AdamWUpdate) {
        state.checkVectors(table)
        var weights = state.parameters.values()
        let gradients = state.gradients.values()
        var means = state.firstMoment.values()
        var squares = state.secondMoment.values()
        var averages = state.average.values()
        let meanCorrection = 1 - power(update.beta1, update.step)
        let squareCorrection = (1 - power(update.beta2, update.step)).squareRoot()

        for range in table.ranges {
            guard range.isTrainable else {
                averages.replaceSubrange(range.elements, with: weights[range.elements])
                continue
            }
            let learningRate = update.learningRate * Double(range.rateMultiplier)
            let decay = range.parameter.decays ? update.weightDecay : 0
            for index in range.elements {
                let gradient = update.gradientScale * Double(gradients[index])
                let mean = update.beta1 * Double(means[index]) + (1 - update.beta1) * gradient
                let square = update.beta2 * Double(squares[index]) + (1 - update.beta2) * gradient * gradient
                var weight = Double(weights[index])
                weight -= learningRate * decay * weight
                let deviation = square.squareRoot() / squareCorrection + update.epsilon
                weight -= learningRate / meanCorrection * mean / deviation
                weights[index] = Float(weight)
                means[index] = Float(mean)
                squares[index] = Float(square)
                averages[index] = Float(
                    update.averageDecay * Double(averages[index]) + (1 - update.averageDecay) * weight)
            }
        }
        state.parameters.write(weights)
        state.firstMoment.write(means)
        state.secondMoment.write(squares)
        state.average.write(averages)
    }

    /// Runs the calls in the thread of the caller.
    public func perform<Result>(_ body: () throws -> Result) rethrows -> Result { try body() }
}

/// `base` to a whole power.
private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { power, _ in power * base } }
