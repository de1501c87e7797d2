import PolicyInterface

/// A server's answer to a robot.
public struct PolicyAnswer: Sendable, Equatable {
    /// The actions to execute, `[action, action dimension]` in raw units, the first one first.
    public var actions: [[Float]]
    /// Everything that was predicted, `[prediction, action dimension]`, if it was asked for.
    public var prediction: [[Float]]?
    /// `actions` in double precision, where single precision cannot hold them; else nil.
    public var doubles: [[Double]]?
    /// `prediction` in double precision, where single precision cannot hold it; else nil.
    public var doublePrediction: [[Double]]?
    /// How many of the predicted actions were moved into the policy's limits.
    public var clampedActions: Int
    /// How many of the request's observations lie far outside of what the policy learned from.
    public var unfamiliarObservations: Int
    /// Where the time went.
    public var timing: Timing

    /// Where the time of an answer went.
    public struct Timing: Sendable, Equatable {
        /// Milliseconds that the policy took for the batch in which the request was.
        public var inference: Double
        /// Milliseconds that the request waited for its batch.
        public var waiting: Double
        /// How many requests were in the batch.
        public var batch: Int
        /// Milliseconds from message to answer of the previous request of the same robot; nil for the first.
        public var previousTotal: Double?

        /// Where the time of an answer went.
        public init(inference: Double, waiting: Double = 0, batch: Int = 1, previousTotal: Double? = nil) {
            self.inference = inference
            self.waiting = waiting
            self.batch = batch
            self.previousTotal = previousTotal
        }
    }

    /// An answer of actions.
    public init(
        actions: [[Float]], prediction: [[Float]]? = nil, doubles: [[Double]]? = nil,
        doublePrediction: [[Double]]? = nil, clampedActions: Int = 0, unfamiliarObservations: Int = 0,
        timing: Timing
    ) {
        self.actions = actions
        self.prediction = prediction
        self.doubles = doubles
        self.doublePrediction = doublePrediction
        self.clampedActions = clampedActions
        self.unfamiliarObservations = unfamiliarObservations
        self.timing = timing
    }

    private static let (clamped, unfamiliar) = ("clamped_actions", "unfamiliar_observations")

    /// The message: `actions`, `prediction` if it was asked for, `clamped_actions` and `unfamiliar_observations` unless they are 0, and `server_timing` in
    /// milliseconds.
    public var message: MessagePackValue {
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
        if unfamiliarObservations > 0 { entries.append(.init(Self.unfamiliar, .integer(unfamiliarObservations))) }
        entries.append(.init("server_timing", .map(times)))
        return .map(entries)
    }

    /// Reads a message.
    /// - Throws: `MessageError` when it is no answer of actions of this dimension.
    public init(_ message: MessagePackValue, actionDimension: Int) throws {
        func rows(_ name: String) throws -> (floats: [[Float]], doubles: [[Double]]?)? {
            guard let value = message[name] else { return nil }
            let array = try NumPyArray(value, at: "answer, \(name)")
            guard array.shape.count == 2, array.shape[0] > 0, array.shape[1] == actionDimension else {
                throw MessageError(
                    "answer, \(name)", expected: "shape [actions, \(actionDimension)]", found: "\(array.shape)")
            }
            let numbers = array.floats
            guard numbers.allSatisfy(\.isFinite) else {
                throw MessageError("answer, \(name)", expected: "finite numbers", found: "others")
            }
            return (
                numbers.rows(of: actionDimension),
                array.type == .float64 ? array.doubles.rows(of: actionDimension) : nil
            )
        }
        guard let actions = try rows("actions") else {
            throw MessageError("answer", expected: "actions", found: message.kind)
        }
        let times = message["server_timing"]
        let prediction = try rows(RequestReader.prediction)
        self.init(
            actions: actions.floats, prediction: prediction?.floats, doubles: actions.doubles,
            doublePrediction: prediction?.doubles,
            clampedActions: max(message[Self.clamped]?.wholeNumber ?? 0, 0),
            unfamiliarObservations: max(message[Self.unfamiliar]?.wholeNumber ?? 0, 0),
            timing: Timing(
                inference: times?["infer_ms"]?.number ?? 0, waiting: times?["queue_ms"]?.number ?? 0,
                batch: times?["batch_size"]?.wholeNumber ?? 1, previousTotal: times?["prev_total_ms"]?.number))
    }

    /// Rows of one length as an array, in double precision where they are there so.
    private static func array(_ rows: [[Float]], _ doubles: [[Double]]?) -> NumPyArray {
        let shape = [rows.count, rows.first?.count ?? 0]
        return doubles.map { NumPyArray(doubles: Array($0.joined()), shape: shape) }
            ?? NumPyArray(Array(rows.joined()), shape: shape)
    }
}
