public import ArgumentParser
import Foundation
public import Policies
import Training

/// The task that a policy is rolled out in, where it names none itself.
struct TaskOptions: ParsableArguments {
    @Option(help: "The task of a policy that names none: pusht.")
    var task: PolicyTask?

    /// Checks that a policy is one of Push-T, by what it says or by what the user says.
    /// - Throws: `CommandError` when neither says so.
    func check(_ policy: NamedPolicy) throws { try check(policy.task(), of: policy.name) }

    /// As above, of a policy of this name that names a task, or none.
    func check(_ named: PolicyTask?, of name: String) throws {
        guard (task ?? named) == .pushT else {
            throw CommandError(
                place: name, expected: "a policy of the task pusht", found: "one that names no task",
                hint: "--task pusht rolls it out in Push-T all the same")
        }
    }
}

extension PolicyTask: ExpressibleByArgument {}

extension NamedPolicy {
    /// The task that the policy names, or for one of an earlier version the task of the shipped recipe that its origin names.
    func task() throws -> PolicyTask? {
        let document = try PolicyDirectory(url).document()
        guard document.task == nil, let name = document.origin["recipe"], RecipeFile.shipped[name] != nil else {
            return document.task
        }
        return try RecipeFile.read(name).task
    }
}
