package import DPGraph

/// The slow and simple backend: an interpreter that computes a graph node by node, according to the definitions of
/// its operations.
///
/// It is the reference for other backends, so it computes in float64 and has no fusion, layouts or threads:
/// everything runs on the caller's thread. Only the values at its interface (buffers, inputs, outputs) are float32.
package final class ReferenceMachine: Backend {
    /// The machine rounds only where a graph contains a cast.
    package let precision = Precision.float32

    /// Creates a machine without state.
    package init() {}

    /// Creates a vector of zeros.
    package func makeBuffer(count: Int) -> any DeviceBuffer { ReferenceBuffer(count: count) }

    /// Prepares a graph for interpretation.
    /// - Precondition: the buffers are as long as the graph's table.
    package func compile(
        _ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?
    ) -> any Executable {
        graph.checkVectors(parameters: parameters, gradients: gradients)
        return ReferenceExecutable(
            graph: graph, parameters: parameters, gradients: gradients)
    }

    /// Returns the sum of the squares of a vector's elements.
    package func sumOfSquares(of buffer: any DeviceBuffer) -> Double {
        buffer.values().reduce(0) { $0 + Double($1) * Double($1) }
    }

    /// Adds `factor` times a vector to another.
    package func add(_ buffer: any DeviceBuffer, scaledBy factor: Float, to total: any DeviceBuffer) {
        precondition(buffer.count == total.count, "expected \(total.count) elements, found \(buffer.count)")
        total.write(zip(total.values(), buffer.values()).map { $0 + factor * $1 })
    }

    /// Updates the weights and their EMA once.
    ///
    /// A frozen range keeps its weights, and its EMA is a copy of them, as in the reference implementation's
    /// `EMAModel`.
    package func update(_ state: TrainingState, table: ParameterTable, with update: AdamWUpdate) {
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

    /// Runs the calls on the caller's thread.
    package func perform<Result>(_ body: () throws -> Result) rethrows -> Result { try body() }
}

/// Returns `base` raised to a whole power.
private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { power, _ in power * base } }
