/// An error that prevents or stops training.
///
/// ```swift
/// do {
///     for batch in trainer.batches() { print(try trainer.step(batch).loss) }
/// } catch TrainingError.notFinite(let quantity, let step, _, _) {
///     print("the \(quantity) is infinite or NaN at training step \(step); lower the learning rate")
/// }
/// ```
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// A loss, gradient norm or measurement that is infinite or NaN.
    case notFinite(quantity: String, step: Int, value: String, lastCheckpoint: String?)
    /// A dataset that does not fit the recipe.
    case wrongData(key: String, expected: String, found: String)
    /// A recipe or dataset other than the one that the run was started with.
    case differentRun(path: String, differences: [String])
    /// A run that already exists.
    case existingRun(path: String, found: String)
    /// A run whose checkpoints are missing.
    case lostCheckpoints(path: String, found: String)
    /// A run that another process is training.
    case runInUse(path: String)
    /// A warning that is treated as an error.
    case warning(String)
    /// A file of a run with invalid contents.
    case damaged(path: String, expected: String, found: String, hint: String?)

    /// One line: what was expected, what was found, and a hint.
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
            \(path): expected the recipe and demonstrations that the run was started with, found \
            \(differences.joined(separator: ", ")); a resumed run must match bit for bit: start another run, \
            or undo the change\
            \(differences.contains { $0.hasPrefix("training.steps: ") } ? "; use --extend STEPS to train longer" : "")
            """
        case .existingRun(let path, let found):
            "\(path): expected no run yet, found \(found); resume it with --resume, or choose another directory"
        case .lostCheckpoints(let path, let found):
            """
            \(path): expected a checkpoint to resume from, found \(found), but no checkpoint; put the checkpoints back, \
            or start a run in another directory; to start over here, remove the existing files first
            """
        case .runInUse(let path):
            "\(path): expected a directory that is not in use, found another training process; wait for it or stop it"
        case .warning(let text): "\(text); --strict treats this as an error"
        case .damaged(let path, let expected, let found, let hint):
            "\(path): expected \(expected), found \(found)" + (hint.map { "; \($0)" } ?? "")
        }
    }
}
