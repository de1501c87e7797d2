import DPInterface

extension DiffusionPolicy {
    /// Applies the warm starts of a batch to a loop.
    func lay(_ starts: ArraySlice<WarmStart?>, into loop: DenoisingLoop) {
        for (item, start) in starts.enumerated() {
            guard let start else { continue }
            var actions: [Float] = []
            if let doubles = start.doubles {
                actions = normalizer.action.relative(Array(doubles.joined()))
            } else {
                actions.reserveCapacity(start.actions.count * configuration.action.dimension)
                for action in start.actions { actions += action }
                normalizer.action.makeRelative(&actions)
            }
            normalizer.action.applyToRelative(&actions)
            loop.warm(item, from: actions, steps: start.steps(of: loop.steps))
        }
    }

    /// Checks that there is one start per item, or none at all, and that each start is a whole window of finite
    /// actions.
    func check(_ starts: [WarmStart?], count: Int) throws {
        if starts.isEmpty { return }
        precondition(starts.count == count, "\(starts.count) warm starts for \(count) items")
        let shape = [horizon.prediction, configuration.action.dimension]
        for (item, start) in starts.enumerated() {
            guard let actions = start?.actions else { continue }
            if let doubles = start?.doubles, doubles.map(\.count) != actions.map(\.count) {
                throw PolicyError.wrongCount(
                    what: "warm start of item \(item) in double precision", shape: shape,
                    found: doubles.reduce(0) { $0 + $1.count })
            }
            guard actions.count == shape[0], actions.allSatisfy({ $0.count == shape[1] }) else {
                throw PolicyError.wrongCount(
                    what: "warm start of item \(item)", shape: shape, found: actions.reduce(0) { $0 + $1.count })
            }
            for (time, action) in actions.enumerated() {
                guard let component = action.firstIndex(where: { !$0.isFinite }) else { continue }
                throw PolicyError.startNotFinite(
                    item: item, time: time, component: component, value: "\(action[component])")
            }
        }
    }
}
