/// A machine that computes graphs.
public protocol Backend: AnyObject, Sendable {
    /// The precision of the operands of products; everything else is in float32.
    var precision: Precision { get }
    /// In how many parts work is cut, which decides the order of sums: results of another number differ in their last bits.
    var threads: Int { get }

    /// A vector of zeros in the machine's memory.
    /// - Throws: when there is not enough memory.
    func makeBuffer(count: Int) throws -> any DeviceBuffer

    /// Prepares a graph for running.
    /// - Parameters:
    ///   - parameters: the flat vector that `graph.parameters` describes. Executables that share it share its packed copies too.
    ///   - gradients: a vector of the same length that runs write `graph.gradients` to; ranges without a gradient stay as they are.
    /// - Throws: when the machine lacks an operation in the wanted precision.
    func compile(_ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?) throws -> any Executable

    /// The sum of the squares of a vector's elements.
    func sumOfSquares(of buffer: any DeviceBuffer) throws -> Double

    /// Adds `factor` times a vector to another.
    func add(_ buffer: any DeviceBuffer, scaledBy factor: Float, to total: any DeviceBuffer) throws

    /// One update of the weights and their moving average: one pass over the flat vectors.
    ///
    /// A range that is not trained keeps its weights, and its average is a copy of them.
    func update(_ state: TrainingState, table: ParameterTable, with update: AdamWUpdate) throws

    /// Runs a series of calls with no other thread's calls in between.
    ///
    /// A backend does the work of one caller at a time; others wait.
    func perform<Result>(_ body: () throws -> Result) rethrows -> Result
}

extension Backend {
    /// One, unless a machine says otherwise.
    public var threads: Int { 1 }
}

/// A vector of float32 in a machine's memory.
public protocol DeviceBuffer: AnyObject, Sendable {
    /// Number of elements.
    var count: Int { get }
    /// Copies elements into memory of the host, beginning at `offset`.
    func read(into values: UnsafeMutableBufferPointer<Float>, offset: Int)
    /// Copies elements from memory of the host, beginning at `offset`.
    func write(_ values: UnsafeBufferPointer<Float>, offset: Int)
}

/// A graph prepared for a machine.
///
/// Its inputs and outputs keep their places, so runs allocate nothing.
public protocol Executable: AnyObject {
    /// Sets an input before a run.
    /// - Precondition: the graph has the input, with as many elements.
    func write(_ name: String, _ values: UnsafeBufferPointer<Float>)
    /// Computes what changes at a rate. A run at `.step` uses what the latest run at `.chunk` left; what depends only on the weights
    /// is computed before either when they have changed.
    func run(_ rate: Rate) throws
    /// Reads an output after a run.
    /// - Precondition: the graph has the output, with as many elements.
    func read(_ name: String, into values: UnsafeMutableBufferPointer<Float>)
}

extension DeviceBuffer {
    /// All elements.
    public func values() -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { read(into: $0, offset: 0) }
        return values
    }

    /// Copies elements from an array, beginning at `offset`.
    public func write(_ values: [Float], offset: Int = 0) {
        values.withUnsafeBufferPointer { write($0, offset: offset) }
    }
}

extension Executable {
    /// Sets an input before a run.
    public func write(_ name: String, _ values: [Float]) {
        values.withUnsafeBufferPointer { write(name, $0) }
    }

    /// Reads an output of `count` elements after a run.
    public func read(_ name: String, count: Int) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { read(name, into: $0) }
        return values
    }
}

extension Graph {
    /// Stops the program if vectors do not fit the graph's table; for backends.
    public func checkVectors(parameters vector: any DeviceBuffer, gradients vectorOfGradients: (any DeviceBuffer)?) {
        for found in [vector.count, vectorOfGradients?.count ?? parameters.count] {
            precondition(found == parameters.count, "expected vectors of \(parameters.count) elements, found \(found)")
        }
        precondition(
            vectorOfGradients != nil || gradients.isEmpty,
            "expected a vector for \(gradients.count) gradients, found none")
    }
}

extension TrainingState {
    /// Stops the program if the vectors do not fit a table; for backends.
    public func checkVectors(_ table: ParameterTable) {
        for vector in [parameters, gradients, firstMoment, secondMoment, average] {
            precondition(
                vector.count == table.count, "expected vectors of \(table.count) elements, found \(vector.count)")
        }
    }
}
