import ArgumentParser

/// A kind of work that can be measured.
enum BenchmarkWork: String, Codable, ExpressibleByArgument, CaseIterable {
    /// A training step: batch, gradients, AdamW, EMA.
    case training
    /// One network pass, with nothing precomputed.
    case pass
    /// The image encoders: from the camera images of an observation to features.
    case encode
    /// An action chunk: all denoising steps, including the work outside the network.
    case chunk
    /// Rollouts in Push-T, all together until the last one ends.
    case evaluation
    /// Control steps of Push-T without a policy.
    case simulator

    var title: String {
        switch self {
        case .training: "training step"
        case .pass: "network pass"
        case .encode: "images to features"
        case .chunk: "action chunk"
        case .evaluation: "evaluation in Push-T"
        case .simulator: "1000 control steps of Push-T"
        }
    }

    /// The default number of repetitions.
    var defaultRepetitions: Int {
        switch self {
        case .training: 20
        case .pass: 200
        case .encode: 100
        case .chunk: 50
        case .evaluation: 1
        case .simulator: 5
        }
    }
}
