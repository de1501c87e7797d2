import ArgumentParser

/// A kind of work that can be measured.
enum BenchmarkWork: String, Codable, ExpressibleByArgument, CaseIterable {
    /// An update of the weights: batch, gradients, AdamW, moving average.
    case training
    /// The network once, with nothing computed beforehand.
    case pass
    /// The image encoders: from the images of an observation's cameras to features.
    case encode
    /// A chunk of actions: all denoising steps with everything around the network.
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
        case .chunk: "chunk of actions"
        case .evaluation: "evaluation in Push-T"
        case .simulator: "1000 control steps of Push-T"
        }
    }

    /// Repetitions if not said otherwise.
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
