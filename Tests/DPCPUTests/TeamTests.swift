import CDPKernels
import DPGraph
import Foundation
import Synchronization
import Testing

@testable import DPCPU

/// The thread team of a machine: its results must not depend on which threads do the work, or when.
@Suite("Team", .timeLimit(.minutes(5)))
struct TeamTests {
    static let modes = [ck_together_or_alone, ck_together, ck_alone]

    @Test("each part of a region is executed once", arguments: 1...8, modes)
    func parts(threads: Int, mode: ck_team_mode) {
        let team = Team(threads: threads)
        team.setMode(mode)
        for parts in Array(1...9) + [Int(ck_max_threads), Int(ck_max_threads) + 1] {
            for _ in 0..<20 {
                let tally = Tally(parts)
                team.perform { ck_parallel(Tally.body, tally.context, Int32(parts)) }
                #expect(tally.counts == [Int](repeating: 1, count: parts))
            }
        }
    }

    @Test("the mode determines whether regions are shared")
    func counts() {
        let team = Team(threads: 2)
        let tally = Tally(2)
        func run(_ mode: ck_team_mode) {
            team.setMode(mode)
            team.perform { ck_parallel(Tally.body, tally.context, 2) }
        }
        run(ck_together)
        #expect(team.counts.shared_regions == 1)
        run(ck_alone)
        #expect(team.counts.shared_regions == 1)
        #expect(team.counts.solo_regions == 1)
        run(ck_together)
        #expect(team.counts.shared_regions == 2)
    }

    @Test("calls of a list read the results of earlier calls", arguments: 1...8, modes)
    func lists(threads: Int, mode: ck_team_mode) {
        let team = Team(threads: threads)
        team.setMode(mode)
        for parts in [threads, 2, threads + 3] {
            for _ in 0..<20 {
                let rows = Rows(parts: parts, count: 7)
                team.perform { rows.run() }
                #expect(rows.values == rows.expected)
            }
        }
    }

    @Test("calls of a list read the results of earlier calls under load", arguments: [2, 3, 8], modes)
    func disturbedLists(threads: Int, mode: ck_team_mode) {
        let team = Team(threads: threads)
        team.setMode(mode)
        let rivals = Rivals(4)
        defer { rivals.end() }
        for _ in 0..<50 {
            let rows = Rows(parts: threads, count: 40)
            team.perform { rows.run() }
            #expect(rows.values == rows.expected)
        }
    }

    /// The leader takes over the unclaimed part and waits long for a member's part.
    ///
    /// It must not take a part twice after that.
    @Test("each part of each call is computed once where one part has no member and another is slow", arguments: 2...4)
    func slowLists(threads: Int) {
        let team = Team(threads: threads)
        team.setMode(ck_together)
        let calls = (0..<4).map { _ in Tally(threads + 1) }
        let list =
            [ck_call(body: slowCall, context: nil, is_serial: 0, waits: 0)]
            + calls.map { ck_call(body: Tally.body, context: $0.context, is_serial: 0, waits: 1) }
        for round in 1...20 {
            team.perform { ck_run_calls(list, list.count, Int32(threads + 1)) }
            for tally in calls { #expect(tally.counts == [Int](repeating: round, count: threads + 1)) }
        }
    }

    @Test("under load, the leader works alone for latency, and never for throughput", arguments: [2, 3])
    func goals(threads: Int) {
        let rivals = Rivals(3 * ProcessInfo.processInfo.activeProcessorCount)
        defer { rivals.end() }
        for goal in [ck_latency, ck_throughput] {
            let team = Team(threads: threads)
            var runs = 0
            let tally = Tally(threads)
            while team.counts.absences < 10 {
                team.perform(for: goal) { ck_parallel(Tally.body, tally.context, Int32(threads)) }
                runs += 1
            }
            #expect(tally.counts == [Int](repeating: runs, count: threads))
            #expect((team.counts.solo_regions > 0) == (goal == ck_latency))
        }
    }

    @Test("one thread executes a nested region", arguments: [2, 3, 8], modes)
    func regionsInRegions(threads: Int, mode: ck_team_mode) {
        let team = Team(threads: threads)
        team.setMode(mode)
        for _ in 0..<50 {
            let (inner, outer) = (Tally(threads), Tally(threads))
            let nested: ck_body = { context, _, _ in
                let tally = Unmanaged<Tally>.fromOpaque(context!).takeUnretainedValue()
                ck_parallel(Tally.body, context, Int32(tally.counts.count))
            }
            let calls = [
                ck_call(body: nested, context: inner.context, is_serial: 1, waits: 0),
                ck_call(body: Tally.body, context: outer.context, is_serial: 0, waits: 1),
            ]
            team.perform { ck_run_calls(calls, calls.count, Int32(threads)) }
            #expect(inner.counts == [Int](repeating: 1, count: threads))
            #expect(outer.counts == [Int](repeating: 1, count: threads))
        }
    }

    @Test("a spatial softmax and a linear layer give the same for one image in every mode", arguments: [2, 3])
    func fewImages(threads: Int) throws {
        let weight = Parameter("weight", [40, 32], .constant(0.1))
        let builder = GraphBuilder(parameters: ParameterTable([weight]))
        let places = builder.input("images", [1, 32, 32, 16]).spatialSoftmax()
        let output = places.reshaped(to: [1, 32]).linear(builder.parameter(weight))
        let graph = builder.graph(outputs: [("output", output)])
        func outputs(_ mode: ck_team_mode) throws -> [Float] {
            let machine = CPUBackend(threads: threads, precision: .float32)
            machine.team.setMode(mode)
            let parameters = try machine.makeBuffer(count: 1280)
            parameters.write(wave(1280, step: 37))
            let executable = try machine.compile(graph, parameters: parameters, gradients: nil)
            executable.write("images", wave(16384, step: 29))
            for _ in 0..<100 { try executable.run(.iteration) }
            return executable.read("output", count: 40)
        }
        let alone = try outputs(ck_alone)
        #expect(try outputs(ck_together) == alone)
        #expect(try outputs(ck_together_or_alone) == alone)
    }

    // MARK: - Training

    @Test("training gives the same weights in every mode and under load", arguments: [2, 3, 4])
    func training(threads: Int) throws {
        let expected = try Lesson.weights(threads: threads, modes: [ck_alone])
        #expect(expected.allSatisfy { $0.isFinite })
        #expect(try Lesson.weights(threads: threads, modes: [ck_together]) == expected)
        #expect(try Lesson.weights(threads: threads, modes: Self.modes) == expected)
        let rivals = Rivals(4)
        defer { rivals.end() }
        #expect(try Lesson.weights(threads: threads, modes: [ck_together_or_alone]) == expected)
        #expect(try Lesson.weights(threads: threads, modes: [ck_alone, ck_together]) == expected)
    }

    @Test("machines work concurrently and one after another")
    func machines() async throws {
        let expected = try [1, 2, 3].map { try Lesson.weights(threads: $0, modes: [ck_alone]) }
        for _ in 0..<3 {
            let found = try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
                for index in 0..<6 {
                    group.addTask {
                        (index % 3, try Lesson.weights(threads: index % 3 + 1, modes: [ck_together_or_alone]))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(found.count == 6)
            for (index, weights) in found { #expect(weights == expected[index]) }
        }
    }

    @Test("teams can end right after they start", arguments: modes)
    func ends(mode: ck_team_mode) {
        for index in 0..<100 {
            let tally = Tally(4)
            let team = Team(threads: 1 + index % 8)
            guard index % 3 > 0 else { continue }
            team.setMode(mode)
            team.perform { ck_parallel(Tally.body, tally.context, 4) }
            #expect(tally.counts == [1, 1, 1, 1])
        }
    }

    // MARK: - OpenMP

    @Test("the team executes oneDNN's regions")
    func library() {
        #expect(CPUBackend.sharesTeamWithOneDNN)
        #expect(CPUBackend.library == OneDNN.version)
    }

    @Test("threads of an OpenMP region may wait for each other by spinning", arguments: [1, 2, 3, 8], modes)
    func spinning(threads: Int, mode: ck_team_mode) throws {
        let openMP = try #require(OpenMP())
        let team = Team(threads: threads)
        team.setMode(mode)
        // The team learns this in the first run, if it has a variable to store it in.
        var hasBarriers: Int32 = 0
        for _ in 0..<3 {
            let meeting = SpinningMeeting(openMP, threads: threads)
            team.perform {
                ck_begin_primitive(&hasBarriers)
                openMP.parallel(SpinningMeeting.body, meeting.context, 0, 0)
                ck_begin_primitive(nil)
            }
            #expect(meeting.threads == Set(0..<threads))
        }
    }

    @Test("a thread without a team uses OpenMP's threads")
    func forwarding() async throws {
        let openMP = try #require(OpenMP())
        let meeting = SpinningMeeting(openMP, threads: 2)
        let thread = Thread { openMP.parallel(SpinningMeeting.body, meeting.context, 2, 0) }
        thread.start()
        while !thread.isFinished { try await Task.sleep(for: .milliseconds(1)) }
        #expect(meeting.threads == [0, 1])
    }
}

/// Returns numbers between -1 and 1.
private func wave(_ count: Int, step: Int) -> [Float] {
    (0..<count).map { (index: Int) -> Float in Float(index * step % 97) / 48 - 1 }
}

/// Counts how often each part of a region is executed.
private final class Tally: @unchecked Sendable {
    private let cells: UnsafeMutableBufferPointer<Int>

    init(_ parts: Int) {
        cells = .allocate(capacity: parts)
        cells.initialize(repeating: 0)
    }

    deinit { cells.deallocate() }

    var counts: [Int] { Array(cells) }
    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static let body: ck_body = { context, part, _ in
        Unmanaged<Tally>.fromOpaque(context!).takeUnretainedValue().cells[Int(part)] += 1
    }
}

/// A call in which every part takes some milliseconds, except for the first and the last.
private let slowCall: ck_body = { _, part, parts in
    if part > 0, part < parts - 1 { Thread.sleep(forTimeInterval: 0.003) }
}

/// Rows of numbers; a call computes each row from the whole row before, and one thread computes the fourth.
private final class Rows: @unchecked Sendable {
    private let parts: Int
    private let count: Int
    private let cells: UnsafeMutableBufferPointer<Int>

    init(parts: Int, count: Int) {
        self.parts = parts
        self.count = count
        cells = .allocate(capacity: (count + 1) * parts)
        cells.initialize(repeating: 1)
    }

    deinit { cells.deallocate() }

    var values: [Int] { Array(cells) }

    var expected: [Int] {
        var rows = [[Int](repeating: 1, count: parts)]
        for row in 1...count {
            let sum = Self.digest(rows[row - 1])
            rows.append((0..<parts).map { row == 4 && $0 > 0 ? 1 : sum &+ $0 })
        }
        return rows.flatMap { $0 }
    }

    func run() {
        let rows = (1...count).map { Row(rows: self, index: $0) }
        let calls = rows.map { row in
            ck_call(
                body: { context, part, _ in
                    let row = Unmanaged<Row>.fromOpaque(context!).takeUnretainedValue()
                    row.rows.compute(row.index, part: Int(part))
                }, context: Unmanaged.passUnretained(row).toOpaque(), is_serial: row.index == 4 ? 1 : 0, waits: 1)
        }
        withExtendedLifetime(rows) { ck_run_calls(calls, calls.count, Int32(parts)) }
    }

    private func compute(_ row: Int, part: Int) {
        cells[row * parts + part] = Self.digest(cells[(row - 1) * parts..<row * parts]) &+ part
    }

    private static func digest(_ row: some Sequence<Int>) -> Int { row.reduce(7) { $0 &* 31 &+ $1 } }

    private final class Row {
        let rows: Rows
        let index: Int

        init(rows: Rows, index: Int) {
            self.rows = rows
            self.index = index
        }
    }
}

/// A small network that is trained for a few training steps.
private enum Lesson {
    static let parameters = [
        Parameter("w", [64, 32, 3], .constant(0)), Parameter("b", [64], .constant(0)),
        Parameter("gain", [64], .constant(0)), Parameter("bias", [64], .constant(0)),
        Parameter("last", [32, 64], .constant(0)),
    ]

    /// Returns the weights and their EMA after six training steps, with the modes in turn.
    static func weights(threads: Int, modes: [ck_team_mode]) throws -> [Float] {
        let table = ParameterTable(parameters)
        let builder = GraphBuilder(parameters: table)
        let tensors = parameters.map { builder.parameter($0) }
        let x = builder.input("x", [16, 16, 32])
        let hidden = x.convolution1D(tensors[0], bias: tensors[1], Convolution1D(kernel: 3, padding: 1))
            .groupNorm(groups: 8, gain: tensors[2], bias: tensors[3]).mish()
        let loss = hidden.linear(tensors[4]).meanSquaredError(to: x)
        let graph = builder.graph(
            outputs: [("loss", loss)], gradients: builder.gradients(of: loss, scaledBy: builder.constant([1], [])))

        let machine = CPUBackend(threads: threads, precision: .float32)
        let state = try TrainingState(on: machine, table: table)
        state.parameters.write(wave(table.count, step: 37).map { 0.1 * $0 })
        let executable = try machine.compile(graph, parameters: state.parameters, gradients: state.gradients)
        for step in 1...6 {
            machine.team.setMode(modes[step % modes.count])
            executable.write("x", wave(16 * 16 * 32, step: 29 + step))
            try executable.run(.iteration)
            let norm = machine.sumOfSquares(of: state.gradients).squareRoot()
            machine.update(
                state, table: table,
                with: AdamWUpdate(
                    step: step, learningRate: 1e-2, beta1: 0.95, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1,
                    gradientScale: 1 / (1 + norm), averageDecay: 0.9))
        }
        return state.parameters.values() + state.average.values()
    }
}

/// Threads that keep processors busy.
private final class Rivals: Sendable {
    private let isOver = Atomic(false)

    init(_ count: Int) {
        for _ in 0..<count { Thread { [self] in while !isOver.load(ordering: .relaxed) {} }.start() }
    }

    func end() { isOver.store(true, ordering: .relaxed) }
}

/// The functions of an OpenMP runtime, as a library finds them.
private struct OpenMP: Sendable {
    typealias Region = @convention(c) (UnsafeMutableRawPointer?) -> Void

    let parallel: @convention(c) (Region, UnsafeMutableRawPointer?, UInt32, UInt32) -> Void
    let threadNumber: @convention(c) () -> Int32

    init?() {
        guard let parallel = dlsym(nil, "GOMP_parallel"), let number = dlsym(nil, "omp_get_thread_num") else {
            return nil
        }
        self.parallel = unsafeBitCast(
            parallel, to: (@convention(c) (Region, UnsafeMutableRawPointer?, UInt32, UInt32) -> Void).self)
        threadNumber = unsafeBitCast(number, to: (@convention(c) () -> Int32).self)
    }
}

/// A region whose threads spin until all of them have arrived.
private final class SpinningMeeting: Sendable {
    private let openMP: OpenMP
    private let count: Int
    private let arrivals = Atomic(0)
    /// One bit per arrived thread: the thread sanitizer does not recognize Swift's mutex.
    private let numbers = Atomic<UInt64>(0)

    init(_ openMP: OpenMP, threads: Int) {
        self.openMP = openMP
        count = threads
    }

    var threads: Set<Int> {
        let numbers = numbers.load(ordering: .sequentiallyConsistent)
        return Set((0..<UInt64.bitWidth).filter { numbers >> $0 & 1 == 1 })
    }
    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static let body: OpenMP.Region = { context in
        let meeting = Unmanaged<SpinningMeeting>.fromOpaque(context!).takeUnretainedValue()
        meeting.numbers.bitwiseOr(1 << UInt64(meeting.openMP.threadNumber()), ordering: .sequentiallyConsistent)
        meeting.arrivals.add(1, ordering: .sequentiallyConsistent)
        while meeting.arrivals.load(ordering: .sequentiallyConsistent) < meeting.count {}
    }
}
