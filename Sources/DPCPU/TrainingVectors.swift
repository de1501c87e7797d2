internal import CDPKernels
internal import DPGraph
internal import Foundation

/// The vectors of a `TrainingState` in CPU memory.
struct TrainingVectors {
    var parameters, gradients, firstMoment, secondMoment, average: CPUBuffer

    /// Applies one AdamW update, then updates the EMA.
    func update(_ table: ParameterTable, with update: AdamWUpdate, threads: Int32) {
        table.forEachUniformRun { elements, rateMultiplier, decays in
            var numbers = ck_adamw(update, rateMultiplier: rateMultiplier, decays: decays)
            let offset = elements.lowerBound
            ck_adamw_update(
                &numbers, parameters.floats + offset, gradients.floats + offset, firstMoment.floats + offset,
                secondMoment.floats + offset, average.floats + offset, elements.count, threads)
        }
        for range in table.ranges where !range.isTrainable {
            (average.floats + range.offset).update(from: parameters.floats + range.offset, count: range.shape.count)
        }
        parameters.markChanged()
        average.markChanged()
    }
}

extension ParameterTable {
    /// Calls `body` for the trainable part of the flat vector, in as few runs of neighboring ranges with the same
    /// settings as possible.
    ///
    /// The gaps between ranges stay 0 under any update.
    fileprivate func forEachUniformRun(
        _ body: (_ elements: Swift.Range<Int>, _ rateMultiplier: Float, _ decays: Bool) -> Void
    ) {
        var first = 0
        while first < ranges.count {
            let start = ranges[first]
            var (next, end) = (first, start.offset)
            while next < ranges.count, ranges[next].offset == end, ranges[next].isTrainable == start.isTrainable,
                ranges[next].parameter.decays == start.parameter.decays,
                ranges[next].rateMultiplier == start.rateMultiplier
            {
                end = ranges[next].offset + (ranges[next].shape.count + 15) / 16 * 16
                next += 1
            }
            if start.isTrainable { body(start.offset..<end, start.rateMultiplier, start.parameter.decays) }
            first = next
        }
    }
}

extension ck_adamw {
    fileprivate init(_ update: AdamWUpdate, rateMultiplier: Float, decays: Bool) {
        let rate = update.learningRate * Double(rateMultiplier)
        let step = Double(update.step)
        self.init(
            decay_factor: Float(1 - rate * (decays ? update.weightDecay : 0)),
            beta1: Float(update.beta1), beta2: Float(update.beta2), one_minus_beta1: Float(1 - update.beta1),
            one_minus_beta2: Float(1 - update.beta2),
            step_size: Float(rate / (1 - pow(update.beta1, step))),
            inverse_root_correction: Float(1 / (1 - pow(update.beta2, step)).squareRoot()),
            epsilon: Float(update.epsilon), gradient_scale: Float(update.gradientScale),
            average_decay: Float(update.averageDecay), one_minus_average_decay: Float(1 - update.averageDecay))
    }
}
