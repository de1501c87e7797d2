internal import CKernels
internal import TensorGraph

extension Plan {
    /// One call of a kernel or primitive.
    struct Instruction {
        /// What it computes, for profiles.
        var name: String
        /// Whether it only prepares or finishes what another instruction of its step computes.
        var isAuxiliary = false
        /// What the step that it stands for costs at least.
        var cost = Cost()
        /// Memory that it works on and nobody else owns.
        var keeps: [AnyObject] = []
        /// When it runs, if more seldom than the step that needs it.
        var rate: Rate?
        /// The memory that it works on; not told by routines.
        var accesses: [Access] = []
        /// How it computes.
        var work: Work

        /// How an instruction computes.
        enum Work {
            /// By a kernel that the threads of a team run together.
            case call(ck_call)
            /// On one thread.
            case serial(() -> Void)
            /// With a team of its own.
            case routine(() -> Void)
        }

        /// A routine.
        init(
            name: String, isAuxiliary: Bool = false, cost: Cost = Cost(), keeps: [AnyObject] = [], rate: Rate? = nil,
            run: @escaping () -> Void
        ) {
            self.name = name
            self.cost = cost
            self.isAuxiliary = isAuxiliary
            self.keeps = keeps
            self.rate = rate
            work = .routine(run)
        }

        /// A call of a kernel.
        init(
            name: String, isAuxiliary: Bool = false, keeps: [AnyObject] = [], accesses: [Access], call: ck_call
        ) {
            self.name = name
            self.isAuxiliary = isAuxiliary
            self.keeps = keeps
            self.accesses = accesses
            work = .call(call)
        }
    }
}
