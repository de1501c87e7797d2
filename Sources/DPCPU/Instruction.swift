internal import CDPKernels
internal import DPGraph

extension Plan {
    /// One call of a kernel or primitive.
    struct Instruction {
        /// Name of the computation, for profiles.
        var name: String
        /// Whether the instruction only prepares or finishes the computation of another instruction of its step.
        var isAuxiliary = false
        /// The minimum cost of the step that the instruction computes.
        var cost = Cost()
        /// Memory that the instruction uses and that nothing else owns.
        var keeps: [AnyObject] = []
        /// The rate at which it runs, if slower than that of its step.
        var rate: Rate?
        /// The memory that it accesses; not given for routines.
        var accesses: [Access] = []
        /// How it computes.
        var work: Work

        /// How an instruction computes.
        enum Work {
            /// A kernel that the threads of a team run together.
            case call(ck_call)
            /// A closure on one thread.
            case serial(() -> Void)
            /// A closure that starts parallel regions of its own.
            case routine(() -> Void)
        }

        /// Creates a routine.
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

        /// Creates a call of a kernel.
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
