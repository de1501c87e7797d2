/// A training that cannot go on, or cannot begin.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// A loss, gradient norm or measurement that is infinite or no number.
    case notFinite(quantity: String, step: Int, value: String, lastCheckpoint: String?)
    /// Demonstrations that do not fit the recipe.
    case wrongData(key: String, expected: String, found: String)
    /// Another recipe or other demonstrations than those that the run was begun with.
    case differentRun(path: String, differences: [String])
    /// A run that is there already.
    case existingRun(path: String, found: String)
    /// A run whose checkpoints are gone.
    case lostCheckpoints(path: String, found: String)
    /// A run that another process is working on.
    case runInUse(path: String)
    /// A warning that is to be taken for an error.
    case warning(String)
    /// A file of a run that does not hold what it must.
    case damaged(path: String, expected: String, found: String, hint: String?)

    /// One line: what was expected, what was found, what to do.
    public var description: String {
        switch self {
        case .notFinite(let quantity, let step, let value, let checkpoint):
            """
            step \(step): expected a finite \(quantity), found \(value); \
            \(checkpoint.map { "the last good checkpoint is \($0)" } ?? "there is no checkpoint yet"); \
            try a lower training.optimizer.learning_rate, or training.gradient_clip=1
            """
        case .wrongData(let key, let expected, let found):
            "\(key): expected \(expected), found \(found)"
        case .differentRun(let path, let differences):
            """
            \(path): expected the recipe and demonstrations that the run was begun with, found \
            \(differences.joined(separator: ", ")); a resumed run goes on bit for bit: start another run, or undo the change\
            \(differences.contains { $0.hasPrefix("training.steps: ") } ? "; --extend STEPS goes on to more updates" : "")
            """
        case .existingRun(let path, let found):
            "\(path): expected no run yet, found \(found); resume it with --resume, or choose another directory"
        case .lostCheckpoints(let path, let found):
            """
            \(path): expected a checkpoint to go on from, found \(found) and no checkpoint; put the checkpoints back, or begin another \
            run in another directory; to begin anew here, remove what is there first
            """
        case .runInUse(let path):
            "\(path): expected a directory that no one trains in, found another process at work; wait for it or stop it"
        case .warning(let text): "\(text); --strict takes this for an error"
        case .damaged(let path, let expected, let found, let hint):
            "\(path): expected \(expected), found \(found)" + (hint.map { "; \($0)" } ?? "")
        }
    }
}
