public import ArgumentParser
import DPBase
public import DPPolicy
import DPTraining
import Foundation

/// The task of a policy that names none.
struct TaskOptions: ParsableArguments {
    @Option(help: "Task of a policy that names none: pusht.")
    var task: PolicyTask?

    /// Checks that the option or the policy names the task Push-T.
    /// - Throws: `InputError` when neither does.
    func check(_ policy: NamedPolicy) throws { try check(policy.task(), of: policy.name) }

    /// Checks that the option or the policy names the task Push-T.
    /// - Parameters:
    ///   - named: the task that the policy names, if any.
    ///   - name: the name of the policy.
    /// - Throws: `InputError` when neither does.
    func check(_ named: PolicyTask?, of name: String) throws {
        guard (task ?? named) == .pushT else {
            throw InputError(
                at: name, expected: "a policy of the task pusht", found: "one that names no task",
                hint: "pass --task pusht to run it in Push-T anyway")
        }
    }
}

extension PolicyTask: ExpressibleByArgument {}

extension NamedPolicy {
    /// Returns the task that the policy names; for a policy of an earlier version, the task of the shipped recipe
    /// in its origin.
    func task() throws -> PolicyTask? {
        let document = try PolicyDirectory(url).document()
        guard document.task == nil, let name = document.origin["recipe"], RecipeFile.shipped[name] != nil else {
            return document.task
        }
        return try RecipeFile.read(name).task
    }
}
