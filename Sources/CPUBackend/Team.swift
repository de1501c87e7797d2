internal import CKernels
internal import Foundation

/// The threads of a machine: the caller that has work leads them while it is done, and other callers wait for their turn.
///
/// A caller that handed its work to a thread of the machine would wait for the system to wake that thread, and then for its own.
final class Team: @unchecked Sendable {
    /// Threads that work together, the leader included: fewer than asked for if the system grants no more.
    let threads: Int
    private let team: OpaquePointer
    /// Held by the thread that leads.
    private let leadership = NSLock()

    /// Starts the threads that are led.
    init(threads: Int) {
        guard let team = ck_make_team(Int32(threads)) else { preconditionFailure("no memory for a team of threads") }
        self.team = team
        self.threads = Int(ck_team_size(team))
    }

    deinit { ck_disband_team(team) }

    /// Runs `body` on the calling thread as the leader.
    ///
    /// It waits while another thread leads, and allocates nothing.
    func perform<Result>(_ body: () throws -> Result) rethrows -> Result {
        if ck_current_team() == team { return try body() }
        leadership.lock()
        // The caller may lead the team of another machine.
        let before = ck_lead_team(team)
        defer {
            ck_lead_team(before)
            leadership.unlock()
        }
        return try body()
    }

    /// Runs `body` as `perform` does, and has the team work for a goal from then on.
    func perform<Result>(for goal: ck_team_goal, _ body: () throws -> Result) rethrows -> Result {
        try perform {
            ck_set_team_goal(team, goal)
            return try body()
        }
    }

    /// What the team does when a member has no processor; for tests.
    func setMode(_ mode: ck_team_mode) { perform { ck_set_team_mode(team, mode) } }

    /// What the team has done so far.
    var counts: ck_team_counts { perform { ck_count_team(team) } }
}
