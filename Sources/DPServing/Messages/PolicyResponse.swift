import DPBase

/// A server's response to a request.
package struct PolicyResponse: Sendable, Equatable {
    /// The actions to execute, `[action, action dimension]` in raw units, the first one first.
    package var actions: [[Float]]
    /// All predicted actions, `[prediction, action dimension]`, if the request included `prediction`.
    package var prediction: [[Float]]?
    /// `actions` in double precision if single precision cannot hold them; otherwise nil.
    package var doubles: [[Double]]?
    /// `prediction` in double precision if single precision cannot hold it; otherwise nil.
    package var doublePrediction: [[Double]]?
    /// The number of predicted actions that were clamped to the policy's limits.
    package var clampedActions: Int
    /// The number of observations in the request that lie far outside the training data.
    package var outOfRangeObservations: Int
    /// The timing of the response.
    package var timing: Timing

    /// The timing of a response.
    package struct Timing: Sendable, Equatable {
        /// The time that the policy took for the batch with the request, in milliseconds.
        package var inference: Double
        /// The time that the request waited for its batch, in milliseconds.
        package var waiting: Double
        /// The number of requests in the batch.
        package var batch: Int
        /// The time from message to response of the same client's previous request, in milliseconds; nil for the
        /// first.
        package var previousTotal: Double?

        /// Creates a timing.
        package init(inference: Double, waiting: Double = 0, batch: Int = 1, previousTotal: Double? = nil) {
            self.inference = inference
            self.waiting = waiting
            self.batch = batch
            self.previousTotal = previousTotal
        }
    }

    /// Creates a response.
    package init(
        actions: [[Float]], prediction: [[Float]]? = nil, doubles: [[Double]]? = nil,
        doublePrediction: [[Double]]? = nil, clampedActions: Int = 0, outOfRangeObservations: Int = 0,
        timing: Timing
    ) {
        self.actions = actions
        self.prediction = prediction
        self.doubles = doubles
        self.doublePrediction = doublePrediction
        self.clampedActions = clampedActions
        self.outOfRangeObservations = outOfRangeObservations
        self.timing = timing
    }

    private static let (clamped, outOfRange) = ("clamped_actions", "out_of_range_observations")

    /// The message: `actions`, `prediction` if requested, `clamped_actions` and `out_of_range_observations` unless
    /// they are 0, and `server_timing` in milliseconds.
    package var message: MessagePackValue {
        var times: [MessagePackValue.Entry] = [
            .init("infer_ms", .float64(timing.inference)), .init("queue_ms", .float64(timing.waiting)),
            .init("batch_size", .integer(timing.batch)),
        ]
        if let total = timing.previousTotal { times.append(.init("prev_total_ms", .float64(total))) }
        var entries: [MessagePackValue.Entry] = [.init("actions", Self.array(actions, doubles).value)]
        if let prediction {
            entries.append(.init(RequestReader.prediction, Self.array(prediction, doublePrediction).value))
        }
        if clampedActions > 0 { entries.append(.init(Self.clamped, .integer(clampedActions))) }
        if outOfRangeObservations > 0 { entries.append(.init(Self.outOfRange, .integer(outOfRangeObservations))) }
        entries.append(.init("server_timing", .map(times)))
        return .map(entries)
    }

    /// Reads a message.
    /// - Throws: `InputError` when the message is not a response with actions of this dimension.
    package init(_ message: MessagePackValue, actionDimension: Int) throws {
        func rows(_ name: String) throws -> (floats: [[Float]], doubles: [[Double]]?)? {
            guard let value = message[name] else { return nil }
            let array = try NumPyArray(value, at: "response, \(name)")
            guard array.shape.count == 2, array.shape[0] > 0, array.shape[1] == actionDimension else {
                throw InputError(
                    at: "response, \(name)", expected: "shape [actions, \(actionDimension)]", found: "\(array.shape)")
            }
            let numbers = array.floats
            guard numbers.allSatisfy(\.isFinite) else {
                throw InputError(at: "response, \(name)", expected: "finite numbers", found: "infinity or NaN")
            }
            return (
                numbers.rows(of: actionDimension),
                array.type == .float64 ? array.doubles.rows(of: actionDimension) : nil
            )
        }
        guard let actions = try rows("actions") else {
            throw InputError(at: "response", expected: "actions", found: message.kind)
        }
        let times = message["server_timing"]
        let prediction = try rows(RequestReader.prediction)
        self.init(
            actions: actions.floats, prediction: prediction?.floats, doubles: actions.doubles,
            doublePrediction: prediction?.doubles,
            clampedActions: max(message[Self.clamped]?.wholeNumber ?? 0, 0),
            outOfRangeObservations: max(message[Self.outOfRange]?.wholeNumber ?? 0, 0),
            timing: Timing(
                inference: times?["infer_ms"]?.number ?? 0, waiting: times?["queue_ms"]?.number ?? 0,
                batch: times?["batch_size"]?.wholeNumber ?? 1, previousTotal: times?["prev_total_ms"]?.number))
    }

    /// Returns rows of equal length as an array, in double precision if available.
    private static func array(_ rows: [[Float]], _ doubles: [[Double]]?) -> NumPyArray {
        let shape = [rows.count, rows.first?.count ?? 0]
        return doubles.map { NumPyArray(doubles: Array($0.joined()), shape: shape) }
            ?? NumPyArray(Array(rows.joined()), shape: shape)
    }
}
