internal import CDPKernels
internal import Foundation

/// The threads of a `CPUBackend`.
///
/// A caller with work leads them until the work is done, and other callers wait for their turn. The caller works
/// itself instead of handing its work to another thread, because it would then wait for two wake-ups.
final class Team: @unchecked Sendable {
    /// Number of threads that work together, including the leader; fewer than requested if the system grants no
    /// more.
    let threads: Int
    private let team: OpaquePointer
    /// Held by the thread that leads.
    private let leadership = NSLock()

    /// Starts the other threads of the team.
    init(threads: Int) {
        guard let team = ck_make_team(Int32(threads)) else { preconditionFailure("no memory for a team of threads") }
        self.team = team
        self.threads = Int(ck_team_size(team))
    }

    deinit { ck_disband_team(team) }

    /// Runs `body` on the calling thread as the leader.
    ///
    /// Blocks while another thread leads, and allocates nothing.
    func perform<Result>(_ body: () throws -> Result) rethrows -> Result {
        if ck_current_team() == team { return try body() }
        leadership.lock()
        // The caller may lead the team of another backend.
        let before = ck_lead_team(team)
        defer {
            ck_lead_team(before)
            leadership.unlock()
        }
        return try body()
    }

    /// Runs `body` as `perform` does, and sets the team's goal from then on.
    func perform<Result>(for goal: ck_team_goal, _ body: () throws -> Result) rethrows -> Result {
        try perform {
            ck_set_team_goal(team, goal)
            return try body()
        }
    }

    /// Sets the behavior of the team when a member has no processor; for tests.
    func setMode(_ mode: ck_team_mode) { perform { ck_set_team_mode(team, mode) } }

    /// Counts of the team's activity so far.
    var counts: ck_team_counts { perform { ck_count_team(team) } }
}
