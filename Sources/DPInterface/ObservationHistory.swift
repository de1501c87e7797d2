/// The latest observations of an episode, oldest first.
///
/// At the start of an episode the first observation is repeated until the history is full, as in the reference
/// implementation's environment wrapper and in the windows of its `SequenceSampler`.
struct ObservationHistory {
    /// The observations; empty before the first, otherwise as many as the observation horizon.
    private(set) var observations: [RobotObservation] = []
    private let length: Int

    /// An empty history of `length` observations.
    init(length: Int) { self.length = length }

    /// Appends an observation and removes the oldest one.
    mutating func append(_ observation: RobotObservation) {
        if observations.isEmpty { observations = Array(repeating: observation, count: length) }
        observations.append(observation)
        observations.removeFirst()
    }
}
